"""A sweep over a secret: none of what its run keeps has it."""

from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from tests.launcher import tg_mlflow
from tests.support import ProjectFolder, all_runs

SECRET = "4f5e6dtok"

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def __init__(self, user):
            super().__init__()
            self.user = user

        def run_with_environment(self, data, environment):
            environment.output_metric("loss", len(self.user))


    def build_task(user: str):
        return Task(user)
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {user: {default: a}}
        command: "tg-mlflow train tasks:build_task user={user}"
"""


def test_a_secret_among_the_values_is_masked(
    project: ProjectFolder, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")
    monkeypatch.setenv("HUB_TOKEN", SECRET)
    words = ("sweep", str(project.path), f"user={SECRET},b", "--metric", "loss")
    done = tg_mlflow(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    runs = all_runs(store)
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    assert parent.data.tags["tg.sweep"] == '{"user": ["***", "b"]}'
    assert SECRET not in str([run.to_dictionary() for run in runs])
    folder = mlflow.artifacts.download_artifacts(
        run_id=parent.info.run_id, artifact_path="sweep", dst_path=str(tmp_path)
    )
    files = [path for path in Path(folder).iterdir() if path.suffix in (".csv", ".json")]
    assert {"plan.json", "summary.csv", "summary.json"} <= {path.name for path in files}
    assert [path.name for path in files if SECRET in path.read_text(encoding="utf-8")] == []
