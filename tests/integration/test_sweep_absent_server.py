"""A tracking server that goes away in the middle of a sweep, for some seconds or for longer than it is waited for."""

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.failing_proxy import FailingProxy
from tests.launcher import Launcher, attach, processes_that_name
from tests.support import ProjectFolder, all_runs
from tests.tracking_server import TrackingServer

STEPS = 100
RATES = (1, 2, 3, 4, 5, 6)

TASKS = f"""
    import time

    from tg.common.ml.training_core import AbstractTrainingTask


    class Slow(AbstractTrainingTask):
        def __init__(self, rate):
            super().__init__()
            self.rate = rate

        def run_with_environment(self, data, environment):
            for step in range({STEPS}):
                environment.output_metric("loss", self.rate / (step + 1), step)
                time.sleep(0.01)


    def build_task(rate: float):
        return Slow(rate)
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {rate: {type: float, default: 1.0}}
        command: "tg-mlflow train tasks:build_task rate={rate}"
"""
CONFIG = {"sweep": {"rate": RATES}, "max_parallel": 2, "primary_metric": "loss", "mode": "min"}


@pytest.fixture
def swept(project: ProjectFolder, sqlite_server: TrackingServer, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    """A project whose server is not given much time by MLflow's own client."""
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    return project


def launch(project: ProjectFolder, folder: Path) -> Launcher:
    return Launcher(project, "process", folder, "--backend-config", json.dumps(CONFIG))


def family(client: MlflowClient) -> tuple[Run, list[Run]]:
    """The sweep's run, and those below it."""
    runs = all_runs(client)
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    return parent, [run for run in runs if run is not parent]


def assert_complete(client: MlflowClient, folder: Path) -> None:
    """Checks that all is there that an undisturbed sweep has, once, and that nothing is left of its jobs."""
    parent, children = family(client)
    assert (parent.info.status, parent.data.tags["tg.best_name"]) == ("FINISHED", "R1")
    assert parent.data.metrics["tg.sweep_finished"] == len(RATES)
    assert {each.path for each in client.list_artifacts(parent.info.run_id, "sweep")} >= {
        "sweep/plan.json",
        "sweep/summary.csv",
    }
    finished = {run.info.run_name: run for run in children if run.info.status == "FINISHED"}
    assert sorted(finished) == [f"R{rate}" for rate in RATES]
    assert sorted(run.info.status for run in children if run.info.run_name not in finished) == []
    for rate in RATES:
        run_id = finished[f"R{rate}"].info.run_id
        points = [(point.step, point.value) for point in client.get_metric_history(run_id, "loss")]
        assert sorted(points) == [(step, rate / (step + 1)) for step in range(STEPS)]
        artifacts = {each.path for each in client.list_artifacts(run_id)}
        assert artifacts == {"environment.json", "logs", "package", "result", "task.json"}
        log = Path(client.download_artifacts(run_id, "logs/train.log", str(folder))).read_text()
        assert log.count("###METRIC###loss:") == STEPS
    assert processes_that_name(folder / "jobs") == []
    assert list((folder / "jobs").iterdir()) == []


def test_a_server_that_is_away_for_some_seconds_is_waited_for(
    swept: ProjectFolder, sqlite_server: TrackingServer, tmp_path: Path
) -> None:
    with launch(swept, tmp_path) as launcher:
        launcher.wait_for("[1/6] ")
        sqlite_server.kill()
        launcher.wait_for("; it is asked again")
        sqlite_server.start()
        assert launcher.wait_for_end() == 0, launcher.output
    client = MlflowClient(sqlite_server.uri)
    assert_complete(client, tmp_path)
    assert len(family(client)[1]) == len(RATES)


def test_a_sweep_whose_server_stays_away_is_completed_later(
    swept: ProjectFolder, sqlite_server: TrackingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TG_TRACKING_PATIENCE_SECONDS", "2")
    with launch(swept, tmp_path) as launcher:
        launcher.wait_for("[1/6] ")
        sqlite_server.kill()
        assert launcher.wait_for_end() == 1, launcher.output
    sqlite_server.start()
    client = MlflowClient(sqlite_server.uri)
    parent, children = family(client)
    assert parent.info.status == "RUNNING"
    assert len(children) < len(RATES)
    assert "Traceback" not in launcher.output
    last = launcher.output.splitlines()[-1]
    assert last.count(f"`tg-mlflow attach {parent.info.run_id}`") == 1, launcher.output
    monkeypatch.delenv("TG_TRACKING_PATIENCE_SECONDS")
    result = attach(parent.info.run_id, tmp_path)
    assert result.returncode == 0, result.stderr
    assert_complete(client, tmp_path)


class ForgetfulProxy(FailingProxy):
    """Loses the answers to the first two of a sweep's trainings' runs, which the server has created."""

    def _decide(self, path: str) -> str:
        with self._lock:
            number = self._asked["create"]
            self._asked["create"] += path.endswith("/runs/create")
        return "unanswered" if path.endswith("/runs/create") and number in (1, 2) else "passed"


def test_a_run_whose_creation_was_not_answered_is_found(
    swept: ProjectFolder, sqlite_server: TrackingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with ForgetfulProxy(sqlite_server.uri, lambda path: True) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.uri)
        with launch(swept, tmp_path) as launcher:
            assert launcher.wait_for_end() == 0, launcher.output
    client = MlflowClient(sqlite_server.uri)
    parent, children = family(client)
    assert parent.info.status == "FINISHED"
    assert sorted(run.info.status for run in children) == ["FINISHED"] * len(RATES)
