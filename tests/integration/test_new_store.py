"""Commands that are the first ones of a store, at the same moment."""

import subprocess
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.launcher import BIN
from tests.support import ProjectFolder
from tests.warm import WarmPopen
from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.client import TrackingClient

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Brief(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            environment.output_metric("loss", 0.5, 0)


    def build_task():
        return Brief()
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        command: "tg-mlflow train tasks:build_task"
"""


@pytest.mark.starts_process
def test_commands_that_find_no_store_make_one_together(
    project: ProjectFolder, jobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")
    uri = f"sqlite:///{tmp_path}/new.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_ID", raising=False)
    monkeypatch.chdir(tmp_path)
    run = [str(BIN / "mlflow"), "run", str(project.path), "-b", "tg-attached"]
    words = ["train", "tasks:build_task", "--project", str(project.path), "--experiment-name", "new"]
    train = [str(BIN / "tg-mlflow"), *words]
    commands = [
        WarmPopen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for command in (run, train, run, train)
    ]
    said = [each.communicate()[0] for each in commands]
    assert [each.returncode for each in commands] == [0, 0, 0, 0], "\n".join(said)
    client = MlflowClient(uri)
    experiments = {each.experiment_id: each.name for each in client.search_experiments()}
    runs = client.search_runs(list(experiments))
    assert sorted((experiments[run.info.experiment_id], run.info.status) for run in runs) == [
        ("Default", "FINISHED"),
        ("Default", "FINISHED"),
        ("new", "FINISHED"),
        ("new", "FINISHED"),
    ]


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_bytes(b"no database, but long enough to be read as the header of one")
    with pytest.raises(TrackingError, match=r"^the database cannot be opened: .*; see `mlflow db --help`$"):
        TrackingClient(f"sqlite:///{path}")
