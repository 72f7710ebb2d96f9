"""A tracking server, or its artifact store, that fails while a training goes on, and what is made good later."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.failing_proxy import FailingProxy
from tests.launcher import Launcher, attach, wait_until
from tests.support import ProjectFolder, all_runs
from tests.tracking_server import TrackingServer

STEPS = 400

TASKS = f"""
    import time

    from tg.common.ml.training_core import AbstractTrainingTask


    class Slow(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            for step in range({STEPS}):
                environment.output_metric("loss", 1 / (step + 1), step)
                time.sleep(0.005)


    def build_task():
        return Slow()
"""


@pytest.fixture(autouse=True)
def _slow_project(project: ProjectFolder) -> None:
    project.write("tasks.py", TASKS)
    project.write("tg.json", "{}")
    project.write("MLproject", "name: p\nentry_points: {main: {command: 'tg-mlflow train tasks:build_task'}}")


def assert_complete(client: MlflowClient, run_id: str, folder: Path) -> None:
    """Checks that a run has all that an undisturbed one has, and that its job is not kept any longer."""
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert "tg.not_uploaded" not in run.data.tags
    points = client.get_metric_history(run_id, "loss")
    assert [(point.step, point.value) for point in points] == [(step, 1 / (step + 1)) for step in range(STEPS)]
    artifacts = {each.path for each in client.list_artifacts(run_id)}
    assert artifacts == {"environment.json", "logs", "package", "result", "task.json"}
    log = Path(client.download_artifacts(run_id, "logs/train.log", str(folder))).read_text()
    assert log.count("###METRIC###loss:") == STEPS
    assert list((folder / "jobs").iterdir()) == []


def test_a_server_that_is_away_beyond_the_end_of_the_training_is_waited_for(
    project: ProjectFolder, sqlite_server: TrackingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with Launcher(project, "process", tmp_path) as launcher:
        launcher.wait_for_step(20)
        sqlite_server.kill()
        launcher.wait_for("; it is asked again")
        wait_until(lambda: any((tmp_path / "jobs").glob("*/exit.json")))
        sqlite_server.start()
        assert launcher.wait_for_end() == 0, launcher.output
    client = MlflowClient(sqlite_server.uri)
    (run,) = all_runs(client)
    assert_complete(client, run.info.run_id, tmp_path)


def test_a_server_that_stays_away_is_told_later(
    project: ProjectFolder, sqlite_server: TrackingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("TG_TRACKING_PATIENCE_SECONDS", "2")
    with Launcher(project, "process", tmp_path) as launcher:
        launcher.wait_for_step(20)
        sqlite_server.kill()
        assert launcher.wait_for_end() == 1
    lines = [line for line in launcher.output.splitlines() if "tg-mlflow attach" in line]
    assert len(list((tmp_path / "jobs").iterdir())) == 1
    sqlite_server.start()
    client = MlflowClient(sqlite_server.uri)
    (run,) = all_runs(client)
    assert run.info.status == "RUNNING"
    assert len(lines) == 1, launcher.output
    assert f"`tg-mlflow attach {run.info.run_id}`" in lines[0]
    assert "Traceback" not in launcher.output
    monkeypatch.delenv("TG_TRACKING_PATIENCE_SECONDS")
    result = attach(run.info.run_id, tmp_path)
    assert result.returncode == 0, result.stderr
    assert_complete(client, run.info.run_id, tmp_path)


def test_results_that_have_no_place_to_go_are_kept_for_later(
    project: ProjectFolder, sqlite_server: TrackingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("TG_TRACKING_PATIENCE_SECONDS", "2")  # it may answer, or break off, which is waited for
    sqlite_server.artifacts.write_text("where a folder should be")
    with Launcher(project, "process", tmp_path) as launcher:
        assert launcher.wait_for_end() == 0, launcher.output
    assert "Traceback" not in launcher.output
    client = MlflowClient(sqlite_server.uri)
    (run,) = all_runs(client)
    assert run.info.status == "FINISHED"
    assert run.data.tags["tg.not_uploaded"].endswith(f"run `tg-mlflow attach {run.info.run_id}` to try again")
    assert len(list((tmp_path / "jobs").iterdir())) == 1
    assert attach(run.info.run_id, tmp_path).returncode == 1  # in vain
    assert "tg.not_uploaded" in client.get_run(run.info.run_id).data.tags
    sqlite_server.artifacts.unlink()
    result = attach(run.info.run_id, tmp_path)
    assert result.returncode == 0, result.stderr
    assert_complete(client, run.info.run_id, tmp_path)


@pytest.mark.parametrize(("kind", "retries"), [("", "7"), ("/runs/log-batch", "0")])
def test_a_server_that_fails_every_second_time_loses_and_doubles_nothing(
    project: ProjectFolder,
    sqlite_server: TrackingServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    retries: str,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", retries)  # 7 is what MLflow does by itself
    with FailingProxy(sqlite_server.uri, lambda path: path.endswith(kind)) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.uri)
        with Launcher(project, "process", tmp_path) as launcher:
            assert launcher.wait_for_end() == 0, launcher.output
    assert proxy.counts["lost"] >= 1
    assert proxy.counts["unanswered"] >= 1
    client = MlflowClient(sqlite_server.uri)
    (run,) = all_runs(client)
    assert_complete(client, run.info.run_id, tmp_path)
