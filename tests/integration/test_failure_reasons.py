"""Why a training has failed reaches its run, whatever characters there are in it, and no password with it."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.launcher import Launcher, tg_mlflow
from tests.support import ProjectFolder, all_runs
from tests.tracking_server import TrackingServer

TASKS = r"""
    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            environment.output_metric("loss", 0.5, 0)
            raise OSError("no file \udcff.csv, no\0thing, x" + "x" * 2000)


    def build_task():
        return Task()
"""


@pytest.mark.parametrize("place", ["attached", "process"])
def test_what_no_store_takes_is_escaped(
    project: ProjectFolder, any_server: TrackingServer, tmp_path: Path, place: str
) -> None:
    project.write("tasks.py", TASKS)
    project.write("MLproject", "name: p\nentry_points: {main: {command: 'tg-mlflow train tasks:build_task'}}")
    project.write("tg.json", "{}")
    with Launcher(project, place, tmp_path) as launcher:
        assert launcher.wait_for_end() == 1, launcher.output
    (run,) = all_runs(MlflowClient(any_server.uri))
    assert (run.info.status, run.data.metrics) == ("FAILED", {"loss": 0.5})
    assert "OSError: no file \\udcff.csv, no\\x00thing, xxxx" in run.data.tags["tg.failure_reason"]
    assert "The tracking server does not take" not in launcher.output
    assert "UnicodeEncodeError" not in launcher.output


def test_a_server_that_does_not_answer_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: ProjectFolder
) -> None:
    project.write("tasks.py", TASKS)
    project.write("MLproject", "name: p\nentry_points: {main: {command: 'tg-mlflow train tasks:build_task'}}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://somebody:hunter2-hunter2@127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    commands = (("status", "0" * 32), ("reconcile",), ("train", f"--project={project.path}", "tasks:build_task"))
    for words in commands:
        done = tg_mlflow(tmp_path, *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert "the tracking server at http://somebody:***@127.0.0.1:1 does not answer as it should" in done.stderr
        assert "Traceback" not in done.stderr
        assert "hunter2" not in done.stderr
