"""The command ``tg-mlflow run``, and how much of a training the console shows."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.launcher import tg_mlflow
from tests.support import ProjectFolder, all_runs

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def __init__(self, rate):
            super().__init__()
            self.rate = rate

        def run_with_environment(self, data, environment):
            print("half of", self.rate)
            environment.output_metric("loss", self.rate / 2)


    def build_task(rate: float = 1):
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
def points(project: ProjectFolder, store: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")
    monkeypatch.chdir(project.path)
    return project


def read_messages(text: str) -> list[str]:
    """Returns a log's lines without their times."""
    return [line.partition(" INFO: ")[2] or line for line in text.splitlines()]


@pytest.mark.parametrize("backend", ["tg-attached", "tg-process"])
def test_the_console_shows_what_the_training_says_and_the_log_all(
    points: ProjectFolder, store: MlflowClient, tmp_path: Path, backend: str
) -> None:
    done = tg_mlflow(tmp_path, "run", "rate=3", "-b", backend, "--run-name", "mine")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[0] == f"Preparing '.' for {backend} ..."
    assert read_messages(done.stdout) == ["half of 3.0", "###METRIC###loss:1.5###"]
    (run,) = all_runs(store)
    assert (run.info.run_name, run.data.metrics["loss"], run.data.params["rate"]) == ("mine", 1.5, "3")
    log = Path(store.download_artifacts(run.info.run_id, "logs/train.log", str(tmp_path))).read_text(encoding="utf-8")
    messages = read_messages(log)
    assert {"half of 3.0", "Preparing package properties...", "Starting training now..."} <= set(messages)


def test_quiet_shows_nothing_of_it_and_verbose_all(points: ProjectFolder, store: MlflowClient, tmp_path: Path) -> None:
    done = tg_mlflow(tmp_path, "run", "-b", "tg-attached", "--quiet")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Preparing" not in done.stderr
    assert f"({all_runs(store)[0].info.run_id}) FINISHED" in done.stderr
    done = tg_mlflow(tmp_path, "run", ".", "-b", "tg-attached", "--verbose")
    assert read_messages(done.stdout)[:2] == [
        "This is Sagemaker Job performing a training task",
        "Preparing package properties...",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rate"], "project 'rate' does not exist: there is no such folder; correct the path"),
        (["rate=1", "speed"], "the parameter 'speed' is not of the form NAME=VALUE"),
        (["rate=1", "rate=2"], "the parameter 'rate' is given twice; give it once"),
        (["-b", "tg-proces"], "backend 'tg-proces' is unknown; did you mean 'tg-process'?"),
        (
            ["-b", "tg-attached", "--detach"],
            "the backend config has the key 'detach', which is for tg-local, tg-process, tg-sagemaker",
        ),
    ],
)
def test_bad_input_is_one_line_and_no_run(
    points: ProjectFolder, store: MlflowClient, tmp_path: Path, words: list[str], message: str
) -> None:
    done = tg_mlflow(tmp_path, "run", *words)
    assert done.returncode == 1
    (line,) = (line for line in done.stderr.splitlines() if "Fetching project" not in line and "Preparing" not in line)
    assert f"=== {message}" in line
    assert all_runs(store) == []


def test_an_unknown_verbosity_is_refused_before_there_is_a_run(
    points: ProjectFolder, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TG_VERBOSITY", "loud")
    done = tg_mlflow(tmp_path, "run", "-b", "tg-attached")
    assert (done.returncode, "TG_VERBOSITY is 'loud'; give one of quiet, normal, verbose" in done.stderr) == (1, True)
    assert all_runs(store) == []
