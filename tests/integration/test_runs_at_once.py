"""What goes on at once: projects in threads of one process, and first times of several runs."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pandas as pd
from mlflow import MlflowClient

from tests import warm
from tests.support import ProjectFolder, all_runs
from tests.tracking_server import TrackingServer
from tg_mlflow.notebook.notebook_run import find_experiment
from tg_mlflow.results.dataset import log_dataset
from tg_mlflow.tracking.client import TrackingClient

STEPS = 300

# Both projects have modules of these names; the variable is set by each project's own environment.env.
TASKS = f"""
    import os
    import time

    from tg.common.ml.training_core import AbstractTrainingTask

    from words import WORD


    class Talkative(AbstractTrainingTask):
        def __init__(self, base, word):
            super().__init__()
            self.base = base
            self.word = word

        def run_with_environment(self, data, environment):
            for step in range({STEPS}):
                environment.output_metric("loss", self.base + step, step)
                environment.log(f"<{{self.word}}>")
                time.sleep(0.005)


    def build_task(size: int):
        time.sleep(0.5)
        return Talkative(int(os.environ["BASE"]), WORD)
"""

MLPROJECT = """
    name: p
    entry_points:
      main:
        parameters: {size: {default: 0}}
        command: "tg-mlflow train tasks:build_task size={size}"
"""

# Runs the projects whose folders it is given, each in a thread.
LAUNCH = """
import sys
from concurrent.futures import ThreadPoolExecutor

import mlflow


def launch(folder):
    size = len(folder)
    run = mlflow.projects.run(folder, backend="tg-process", parameters={"size": size}, experiment_id="1")
    assert run.get_status() == "FINISHED"


with ThreadPoolExecutor() as threads:
    list(threads.map(launch, sys.argv[1:]))
"""


def test_two_runs_at_once_in_one_process_do_not_mix(sqlite_server: TrackingServer, tmp_path: Path) -> None:
    folders = {"one": tmp_path / "p", "other": tmp_path / "p-of-another-length"}
    for (word, folder), base in zip(folders.items(), (1000, 9000), strict=True):
        project = ProjectFolder(folder)
        project.write("tasks.py", TASKS)
        project.write("words.py", f'WORD = "{word}"')
        project.write("environment.env", f"BASE={base}")
        project.write("MLproject", MLPROJECT)
        project.write("tg.json", f'{{"tags": {{"word": "{word}"}}}}')
    script = tmp_path / "launch.py"
    script.write_text(LAUNCH)
    result = warm.run([str(script), *map(str, folders.values())], timeout=120)
    assert result.returncode == 0, result.stderr
    client = MlflowClient(sqlite_server.uri)
    runs = {run.data.tags.get("word"): run for run in all_runs(client)}
    assert set(runs) == {"one", "other"}, result.stderr
    assert max(run.info.start_time for run in runs.values()) < min(run.info.end_time for run in runs.values())
    for word, base in (("one", 1000), ("other", 9000)):
        run_id = runs[word].info.run_id
        assert runs[word].info.status == "FINISHED", result.stderr
        assert runs[word].data.params == {"size": str(len(str(folders[word])))}
        points = client.get_metric_history(run_id, "loss")
        assert [(point.step, point.value) for point in points] == [(step, base + step) for step in range(STEPS)]
        log = Path(client.download_artifacts(run_id, "logs/train.log", str(tmp_path))).read_text()
        assert {each: log.count(f"<{each}>") for each in folders} == {"one": 0, "other": 0} | {word: STEPS}


RUNS = 4


def test_runs_are_the_first_to_log_a_dataset_at_once(any_store: str, tmp_path: Path) -> None:
    store = MlflowClient(any_store)
    experiment = store.create_experiment("first times", artifact_location=tmp_path.as_uri())
    for number in range(15):
        path = tmp_path / f"points-{number}.parquet"
        pd.DataFrame({"x": [number]}).to_parquet(path)
        runs = [store.create_run(experiment).info.run_id for _ in range(RUNS)]
        together = Barrier(RUNS)

        def log(run_id: str, path: Path = path, together: Barrier = together) -> None:
            together.wait()
            log_dataset(TrackingClient(any_store), run_id, path)

        with ThreadPoolExecutor(RUNS) as pool:
            list(pool.map(log, runs))
        inputs = [store.get_run(run_id).inputs.dataset_inputs for run_id in runs]
        assert [[each.dataset.name for each in found] for found in inputs] == [[path.name]] * RUNS
        assert len({found[0].dataset.digest for found in inputs}) == 1


def test_launchers_are_the_first_to_use_an_experiment_at_once(any_store: str) -> None:
    store = TrackingClient(any_store)
    for number in range(15):
        together = Barrier(RUNS)

        def find(_: int, name: str = f"first {number}", together: Barrier = together) -> str:
            together.wait()
            return find_experiment(store, name)

        with ThreadPoolExecutor(RUNS) as pool:
            found = set(pool.map(find, range(RUNS)))
        assert found == {store.get_experiment_by_name(f"first {number}").experiment_id}
