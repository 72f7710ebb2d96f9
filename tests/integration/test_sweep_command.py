"""The command ``tg-mlflow sweep``."""

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.launcher import tg_mlflow
from tests.support import ProjectFolder, all_runs

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def __init__(self, rate, size, name):
            super().__init__()
            self.rate, self.size, self.name = rate, size, name

        def run_with_environment(self, data, environment):
            if self.rate == 13:
                raise ValueError("13 is unlucky")
            environment.output_metric("loss", self.rate * sum(self.size))


    def build_task(rate: float = 1, size: list[int] = [1], name: str = "a"):
        return Task(rate, size, name)
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {rate: {type: float, default: 1.0}, size: {default: "[1]"}, name: {default: a}}
        command: "tg-mlflow train tasks:build_task rate={rate} size={size} name={name}"
"""


@pytest.fixture
def swept(project: ProjectFolder, store: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")
    monkeypatch.chdir(project.path)
    return project


def test_a_grid_of_words_is_trained(swept: ProjectFolder, store: MlflowClient, tmp_path: Path) -> None:
    options = ["-b", "tg-attached", "-P", "name=b c", "--metric", "loss", "--mode", "min", "--run-name", "mine"]
    done = tg_mlflow(tmp_path, "sweep", "rate=0.5,2", "size=[1],[1,2]", *options)
    assert done.returncode == 0, done.stderr
    runs = {run.info.run_name: run for run in all_runs(store)}
    assert {name: run.data.metrics.get("loss") for name, run in runs.items()} == {
        "R0.5-S1": 0.5,
        "R0.5-S1-2": 1.5,
        "R2-S1": 2,
        "R2-S1-2": 6,
        "mine": 0.5,
    }
    assert runs["R2-S1-2"].data.params == {"rate": "2", "size": "[1, 2]", "name": "b c"}
    assert runs["mine"].data.tags["tg.best_name"] == "R0.5-S1"
    assert f"  the best: R0.5-S1 ({runs['R0.5-S1'].info.run_id})\n" in done.stderr
    assert "[4/4] R2-S1-2 FINISHED  loss 6" in done.stderr


def test_what_would_be_trained_is_listed(swept: ProjectFolder, store: MlflowClient, tmp_path: Path) -> None:
    done = tg_mlflow(tmp_path, "sweep", str(swept.path), "rate=1,2", "name=x", "--dry-run")
    assert (done.returncode, done.stdout) == (0, "R1  rate=1 name=x\nR2  rate=2 name=x\n2 trainings\n")
    done = tg_mlflow(tmp_path, "sweep", ".", "rate=1,2,3,4", "--samples", "2", "--seed", "3", "--dry-run")
    assert done.stdout.splitlines()[-1] == "2 trainings"
    config = json.dumps({"sweep": {"rate": [1, 2], "name": ["x", "y"]}})
    done = tg_mlflow(tmp_path, "sweep", "rate=7", "-c", config, "--dry-run")
    assert done.stdout.splitlines() == ["N=x  rate=7 name=x", "N=y  rate=7 name=y", "2 trainings"]
    assert all_runs(store) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["."], "nothing varies; give values, such as learning_rate=0.1,1"),
        (["rate=1", "-b", "tg-proces"], "backend 'tg-proces' is unknown; did you mean 'tg-process'?"),
        (["rat=1,2"], "parameter 'rat' is unknown to entry point 'main'; did you mean 'rate'?"),
        (["nowhere", "rate=1"], "project 'nowhere' does not exist: there is no such folder; correct the path"),
        (["rate=1,2", "-P", "rate=3"], "'rate' is swept and given, too; leave out one"),
        (["rate=1", "-P", "size"], "--param 'size' is not of the form NAME=VALUE"),
        (["rate=1", "-P", "size=1", "-P", "size=2"], "--param 'size' is given twice; give it"),
        (["rate=1,1"], "the sweep has the combination {'rate': 1} twice; give it once"),
        (["rate=1", "--samples", "0"], "the backend config has 'sweep_samples' = 0: Input should be greater than 0"),
        (["rate=1", "-c", "[]"], "--backend-config '[]' holds a list; give an object"),
        (["rate=1", "-c", '{"sweep": 3}'], "sweep is 3; give an object with a list of values for each parameter"),
        (["rate=1", "-e", "man"], "the MLproject has no entry point 'man'; did you mean 'main'?"),
    ],
)
def test_bad_input_is_one_line_and_no_run(
    swept: ProjectFolder, store: MlflowClient, tmp_path: Path, words: list[str], message: str
) -> None:
    done = tg_mlflow(tmp_path, "sweep", *words)
    assert done.returncode == 1
    (line,) = (line for line in done.stderr.splitlines() if "Fetching project" not in line and "Preparing" not in line)
    assert f"=== {message}" in line
    assert all_runs(store) == []


def test_a_failure_is_the_commands_failure(swept: ProjectFolder, store: MlflowClient, tmp_path: Path) -> None:
    done = tg_mlflow(tmp_path, "sweep", "rate=13,1", "-b", "tg-attached")
    assert done.returncode == 1
    (parent,) = (run for run in all_runs(store) if run.info.run_name == "points sweep")
    message = f"=== Run {parent.info.run_id} FAILED: 1 of 2 trainings have failed: R13; their runs say why ==="
    assert done.stderr.splitlines()[-1].endswith(message)


def test_a_misspelt_metric_stops_after_the_first_training(
    swept: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    done = tg_mlflow(tmp_path, "sweep", "rate=1,2,3", "-b", "tg-attached", "--metric", "los")
    assert done.returncode == 1
    runs = {run.info.run_name: run for run in all_runs(store)}
    assert set(runs) == {"R1", "points sweep"}
    parent = runs["points sweep"]
    message = (
        "no finished training has a finite value of primary_metric 'los'; did you mean 'loss'?; 2 of 3 trainings were "
        f"stopped or not started: to go on, run `tg-mlflow attach {parent.info.run_id} --backend-config "
        """'{"primary_metric": "..."}'`"""
    )
    assert f"=== Run {parent.info.run_id} FAILED: {message} ===" in done.stderr.splitlines()[-1]
    done = tg_mlflow(tmp_path, "attach", parent.info.run_id, "--backend-config", '{"primary_metric": "loss"}')
    assert done.returncode == 0, done.stderr
    parent = store.get_run(parent.info.run_id)
    assert (parent.info.status, parent.data.metrics["loss"]) == ("FINISHED", 3)
