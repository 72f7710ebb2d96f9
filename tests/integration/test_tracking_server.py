"""Recording through a real HTTP server that may go away."""

import json
import math
import os
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.job_output import open_recorder
from tests.launcher import Launcher, attach
from tests.support import ProjectFolder, all_runs
from tests.tracking_server import TrackingServer
from tg.common.delivery.sagemaker import LogEvent, format_metric_line
from tg_mlflow.tracking.client import TrackingClient

STEPS = 800

TASKS = f"""
    import time

    from tg.common.ml.training_core import AbstractTrainingTask


    class Slow(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            environment.log("###METRIC###f1@5:tensor(0.5)###")
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


def assert_notes(tags: dict[str, str]) -> None:
    """Checks what is told of the metrics that are not in the store, or by another name."""
    assert json.loads(tags["tg.metric_names"]) == {"f1_5": "f1@5"}
    assert json.loads(tags["tg.unreadable_metrics"]) == {"count": 1, "first": "###METRIC###f1@5:tensor(0.5)###"}
    assert "tg.refused_metrics" not in tags


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
    assert_notes(tags)


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
    run = client.get_run(run.info.run_id)
    assert run.info.status == "FINISHED"
    assert_notes(run.data.tags)
    assert steps_in_store(client, run.info.run_id) == list(range(STEPS))


LARGEST = 1.7976931348623157e308
LONG = 10**18 - 1


def test_values_steps_and_times_at_their_limits_are_kept(any_server: TrackingServer) -> None:
    client = MlflowClient(any_server.uri)
    run_id = client.create_run(os.environ["MLFLOW_EXPERIMENT_ID"]).info.run_id
    values = [0.0, 5e-324, 2.2250738585072014e-308, LARGEST, -LARGEST, 1.2345678901234568e29, math.nan]
    steps = [0, 1, -1, LONG, -LONG]
    times = [0, 1, LONG]
    with open_recorder(TrackingClient(any_server.uri, patience_seconds=1), run_id) as recorder:
        for step, value in enumerate([*values, -0.0, math.inf, -math.inf]):
            recorder.take(LogEvent(f"{format_metric_line('value', value, step)}\n".encode(), 7))
        recorder.take(LogEvent(b"###METRIC###value:1e400###\n###METRIC###value:-nan###\n", 7))
        for step in steps:
            recorder.take(LogEvent(f"{format_metric_line('step', 0.5, step)}\n".encode(), 7))
        for time_ms in times:
            recorder.take(LogEvent(f"{format_metric_line('time', 0.5, 0, time_ms)}\n".encode(), 7))
        for value in [0.0, -0.0, math.nan, -math.nan, math.inf, LARGEST]:  # which a store may not tell apart
            recorder.take(LogEvent(f"{format_metric_line('same', value, 1)}\n".encode(), 7))
    found = {step: value for value, step in read(client, run_id, "value")}
    assert str(list(found.values())) == str([*values, 0.0, LARGEST, -LARGEST, LARGEST, math.nan])
    assert sorted(step for _, step in read(client, run_id, "step")) == sorted(steps)
    assert [point.timestamp for point in client.get_metric_history(run_id, "time")] == times
    assert sorted(str(value) for value, _ in read(client, run_id, "same")) == ["0.0", str(LARGEST), "nan"]
    assert not [tag for tag in client.get_run(run_id).data.tags if tag.startswith("tg.")]


@pytest.mark.real_server
def test_names_of_all_kinds_are_kept_apart(any_server: TrackingServer) -> None:
    client = MlflowClient(any_server.uri)
    run_id = client.create_run(os.environ["MLFLOW_EXPERIMENT_ID"]).info.run_id
    names = [
        *("loss", "Loss", "LOSS", "é", "e\u0301", "a", "a.", "a. .", "a\0b", "a\x01b", "ﬁ", "fi", "ß", "ss", "ſ", "s"),
        *("K", "\u212a", "İ", "\U0001d7d9", "²", "2", "a/b", "..x", "...", "x" * 250, "X" * 250, "x" * 249 + "/y"),
        *("日" * 300, "☃" * 600, "\x00" * 2000, "a\u2028b"),
    ]
    with open_recorder(TrackingClient(any_server.uri, patience_seconds=1), run_id) as recorder:
        for number, name in enumerate(names):
            recorder.take(LogEvent(f"{format_metric_line(f'>{name}', number)}\n".encode(), 7))
            recorder.take(LogEvent(f"{format_metric_line(f'{name}<', number)}\n".encode(), 7))
    run = client.get_run(run_id)
    tags = [text for tag, text in run.data.tags.items() if tag.startswith("tg.metric_names")]
    told: dict[str, str] = {}
    for text in tags:
        for key, piece in json.loads(text).items():
            told[key] = told.get(key, "") + piece
    assert {told[key]: value for key, value in run.data.metrics.items()} == {
        written: number for number, name in enumerate(names) for written in (f">{name}", f"{name}<")
    }


def read(client: MlflowClient, run_id: str, name: str) -> list[tuple[float, int]]:
    return [(point.value, point.step) for point in client.get_metric_history(run_id, name)]
