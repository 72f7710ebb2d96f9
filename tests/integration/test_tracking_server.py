"""Recording through a real HTTP server that may go away."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.support import ProjectFolder, all_runs
from tests.tracking_server import TrackingServer

BIN = Path(sys.executable).parent
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
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrackingServer]:
    server = TrackingServer(tmp_path)
    server.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    monkeypatch.delenv("MLFLOW_EXPERIMENT_ID", raising=False)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    yield server
    server.kill()


def launch(project: ProjectFolder) -> "subprocess.Popen[str]":
    project.write("tasks.py", TASKS)
    project.write("tg.json", "{}")
    project.write("MLproject", "name: p\nentry_points: {main: {command: 'tg-mlflow train tasks:build_task'}}")
    return subprocess.Popen(
        [str(BIN / "mlflow"), "run", str(project.path), "-b", "tg-process"],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_step(launcher: "subprocess.Popen[str]", step: int) -> None:
    assert launcher.stdout is not None
    assert next(line for line in launcher.stdout if f"step:{step}###" in line)


def steps_in_store(client: MlflowClient, run_id: str) -> list[int]:
    return [point.step for point in client.get_metric_history(run_id, "f1_5")]


def test_metrics_can_be_seen_while_the_task_is_running(project: ProjectFolder, server: TrackingServer) -> None:
    client = MlflowClient(server.uri)
    launcher = launch(project)
    wait_for_step(launcher, 50)
    printed = time.monotonic()
    (run,) = all_runs(client)
    while not any(step >= 50 for step in steps_in_store(client, run.info.run_id)):
        assert time.monotonic() - printed < 10, "the metric does not come"
    behind = time.monotonic() - printed
    assert client.get_run(run.info.run_id).info.status == "RUNNING"
    _, stderr = launcher.communicate(timeout=120)
    assert launcher.returncode == 0, stderr
    assert "resolving request headers" not in stderr
    assert behind < 3  # at most a second by itself; the rest is for a busy machine
    assert steps_in_store(client, run.info.run_id) == list(range(STEPS))
    tags = client.get_run(run.info.run_id).data.tags
    assert json.loads(tags["tg.metric_names"]) == {"f1_5": "f1@5"}


def test_a_server_that_is_away_for_a_while_loses_nothing(
    project: ProjectFolder, server: TrackingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    launcher = launch(project)
    wait_for_step(launcher, 50)
    server.kill()
    wait_for_step(launcher, 250)
    server.start()
    _, stderr = launcher.communicate(timeout=120)
    assert launcher.returncode == 0, stderr
    client = MlflowClient(server.uri)
    (run,) = all_runs(client)
    assert run.info.status == "FINISHED"
    assert steps_in_store(client, run.info.run_id) == list(range(STEPS))


def test_what_a_dead_launcher_could_not_tell_an_absent_server_is_told_later(
    project: ProjectFolder, server: TrackingServer
) -> None:
    launcher = launch(project)
    wait_for_step(launcher, 50)
    server.kill()
    wait_for_step(launcher, 150)
    launcher.send_signal(signal.SIGKILL)
    launcher.communicate()
    server.start()
    client = MlflowClient(server.uri)
    (run,) = all_runs(client)
    result = subprocess.run(
        [str(BIN / "tg-mlflow"), "attach", run.info.run_id], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert client.get_run(run.info.run_id).info.status == "FINISHED"
    assert steps_in_store(client, run.info.run_id) == list(range(STEPS))
