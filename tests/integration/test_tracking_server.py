"""Recording through a real HTTP server that may go away."""

import json
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.launcher import Launcher, attach
from tests.support import ProjectFolder, all_runs
from tests.tracking_server import TrackingServer

STEPS = 800

TASKS = f"""
    import time

    from tg.common.ml.training_core import AbstractTrainingTask


    class Slow(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            for step in range({STEPS}):
                environment.output_metric("f1@5", 1 / (step + 1), step)
                time.sleep(0.01)


    def build_task():
        return Slow()
"""


@pytest.fixture
def slow_project(project: ProjectFolder) -> ProjectFolder:
    project.write("tasks.py", TASKS)
    project.write("tg.json", "{}")
    project.write("MLproject", "name: p\nentry_points: {main: {command: 'tg-mlflow train tasks:build_task'}}")
    return project


def steps_in_store(client: MlflowClient, run_id: str) -> list[int]:
    return [point.step for point in client.get_metric_history(run_id, "f1_5")]


def test_metrics_can_be_seen_while_the_task_is_running(
    slow_project: ProjectFolder, any_server: TrackingServer, tmp_path: Path
) -> None:
    client = MlflowClient(any_server.uri)
    with Launcher(slow_project, "process", tmp_path) as launcher:
        launcher.wait_for_step(50)
        printed = time.monotonic()
        (run,) = all_runs(client)
        while not any(step >= 50 for step in steps_in_store(client, run.info.run_id)):
            assert time.monotonic() - printed < 10, "the metric does not come"
        behind = time.monotonic() - printed
        assert client.get_run(run.info.run_id).info.status == "RUNNING"
        assert launcher.wait_for_end() == 0, launcher.output
    assert "resolving request headers" not in launcher.output
    assert behind < 3  # at most a second by itself; the rest is for a busy machine
    assert steps_in_store(client, run.info.run_id) == list(range(STEPS))
    tags = client.get_run(run.info.run_id).data.tags
    assert json.loads(tags["tg.metric_names"]) == {"f1_5": "f1@5"}


def test_a_server_that_is_away_for_a_while_loses_nothing(
    slow_project: ProjectFolder, any_server: TrackingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with Launcher(slow_project, "process", tmp_path) as launcher:
        launcher.wait_for_step(50)
        any_server.kill()
        launcher.wait_for_step(250)
        any_server.start()
        assert launcher.wait_for_end() == 0, launcher.output
    client = MlflowClient(any_server.uri)
    (run,) = all_runs(client)
    assert run.info.status == "FINISHED"
    assert steps_in_store(client, run.info.run_id) == list(range(STEPS))


def test_what_a_dead_launcher_could_not_tell_an_absent_server_is_told_later(
    slow_project: ProjectFolder, any_server: TrackingServer, tmp_path: Path
) -> None:
    with Launcher(slow_project, "process", tmp_path) as launcher:
        launcher.wait_for_step(50)
        any_server.kill()
        launcher.wait_for_step(150)
        launcher.kill()
    any_server.start()
    client = MlflowClient(any_server.uri)
    (run,) = all_runs(client)
    result = attach(run.info.run_id, tmp_path)
    assert result.returncode == 0, result.stderr
    assert client.get_run(run.info.run_id).info.status == "FINISHED"
    assert steps_in_store(client, run.info.run_id) == list(range(STEPS))
