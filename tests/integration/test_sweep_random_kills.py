"""A sweep whose launcher, or whoever resumes it, is killed at random moments: each training is there once, and whole.

``TG_TEST_SEED`` repeats the moments of a seed.
"""

import os
import random
import subprocess
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.launcher import BIN, processes_that_name, tg_mlflow
from tests.support import ProjectFolder, all_runs
from tests.warm import WarmPopen

KILLS = 8
STEPS = 60
NAMES = {f"R{rate}": rate for rate in range(1, 7)}
LIFE_SECONDS = 4

TASKS = f"""
    import time

    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def __init__(self, rate):
            super().__init__()
            self.rate = rate

        def run_with_environment(self, data, environment):
            for step in range({STEPS}):
                environment.output_metric("loss", self.rate / (step + 1), step)
                time.sleep(0.01)


    def build_task(rate: float):
        return Task(rate)
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {rate: {type: float, default: 1.0}}
        command: "tg-mlflow train tasks:build_task rate={rate}"
"""


@pytest.fixture
def swept(project: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", '{"max_parallel": 2, "primary_metric": "loss", "mode": "min"}')
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # SIGKILL leaves temporary files behind
    return project


def start(folder: Path, *words: str) -> WarmPopen:
    with (folder / "screen").open("ab") as screen:
        return WarmPopen([str(BIN / "tg-mlflow"), *words], stdout=screen, stderr=subprocess.STDOUT)


def start_sweep(project: ProjectFolder, folder: Path) -> WarmPopen:
    return start(folder, "sweep", str(project.path), f"rate={','.join(map(str, NAMES.values()))}")


def parents_of(store: MlflowClient) -> list[Run]:
    return [run for run in all_runs(store) if "mlflow.parentRunId" not in run.data.tags]


def has_plan(store: MlflowClient, parent: Run) -> bool:
    return any(each.path == "sweep/plan.json" for each in store.list_artifacts(parent.info.run_id, "sweep"))


def statuses_of(store: MlflowClient) -> set[str]:
    return {run.info.status for run in all_runs(store)}


def assert_whole(store: MlflowClient, parent: Run, told: str) -> None:
    """Checks that each training of a sweep has FINISHED in one run, with its whole history; its other runs are over."""
    parent = store.get_run(parent.info.run_id)
    assert (parent.info.status, parent.data.tags["tg.best_name"]) == ("FINISHED", "R1"), told
    assert parent.data.metrics["tg.sweep_finished"] == len(NAMES), told
    children = [run for run in all_runs(store) if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    finished = [run for run in children if run.info.status == "FINISHED"]
    assert sorted(run.info.run_name for run in finished) == sorted(NAMES), told
    assert {run.info.status for run in children} <= {"FINISHED", "KILLED"}, told
    for run in finished:
        points = [(each.step, each.value) for each in store.get_metric_history(run.info.run_id, "loss")]
        assert sorted(points) == [(step, NAMES[run.info.run_name] / (step + 1)) for step in range(STEPS)], told
        paths = {each.path for each in store.list_artifacts(run.info.run_id)}
        assert paths >= {"logs", "package", "result", "task.json"}, told


def test_a_launcher_that_is_killed_at_random_moments(swept: ProjectFolder, store: MlflowClient, tmp_path: Path) -> None:
    seed = int(os.environ.get("TG_TEST_SEED") or random.randrange(1_000_000))
    moments, told = random.Random(seed), [f"seed {seed}"]
    start(tmp_path, "attach", "0" * 32).wait()  # it may be what starts the warm process
    started = time.monotonic()
    start(tmp_path, "attach", "0" * 32).wait()
    start_seconds = time.monotonic() - started  # until a command has reached the store
    for number in range(KILLS):
        unfinished = [run for run in parents_of(store) if run.info.status != "FINISHED" and has_plan(store, run)]
        word = "attach" if unfinished else "sweep"
        pause = moments.uniform(0.6 * start_seconds, start_seconds + LIFE_SECONDS)
        process = start(tmp_path, word, unfinished[0].info.run_id) if unfinished else start_sweep(swept, tmp_path)
        try:
            process.wait(pause)
        except subprocess.TimeoutExpired:
            process.kill()
        counts = sorted(run.info.status for run in all_runs(store))
        told.append(f"kill {number}: {word} after {pause:.2f} s, exit code {process.wait()}; {counts}")
    assert sum("exit code -9" in each for each in told) >= KILLS // 2, told
    planned = [run for run in parents_of(store) if has_plan(store, run)]
    text = "\n".join(told)
    assert planned, text
    for parent in planned:
        done = tg_mlflow(tmp_path, "attach", parent.info.run_id)
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        assert_whole(store, parent, text)
    for parent in parents_of(store):
        if not has_plan(store, parent):
            done = tg_mlflow(tmp_path, "cancel", parent.info.run_id)
            assert done.returncode == 0, f"{text}\n{done.stderr}"
    assert statuses_of(store) <= {"FINISHED", "KILLED"}, text
    assert processes_that_name(tmp_path / "jobs") == [], text
    assert list((tmp_path / "jobs").iterdir()) == [], text


def test_a_launcher_that_is_killed_before_the_plan_is_logged(
    swept: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    process = start_sweep(swept, tmp_path)
    deadline = time.monotonic() + 60
    while not parents_of(store):
        assert time.monotonic() < deadline
        assert process.poll() is None, (tmp_path / "screen").read_text()
        time.sleep(0.002)
    process.kill()
    process.wait()
    (parent,) = parents_of(store)
    assert not has_plan(store, parent)
    run_id = parent.info.run_id
    done = tg_mlflow(tmp_path, "attach", run_id)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert f"run '{run_id}' has no sweep/plan.json that can be read" in done.stderr
    assert "the sweep had not come so far; start a new one" in done.stderr
    assert f"{run_id}  left alone: run '{run_id}' has no sweep/plan.json" in tg_mlflow(tmp_path, "reconcile").stdout
    done = tg_mlflow(tmp_path, "cancel", run_id)
    assert done.returncode == 0, done.stderr
    assert statuses_of(store) == {"KILLED"}
