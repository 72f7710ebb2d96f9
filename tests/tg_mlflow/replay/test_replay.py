"""The thread that replays: while the server is away, after that, and how fast its output is passed on."""

import json
import threading
from typing import Any, cast

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Run
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList

from tests.job_output import open_recorder, write_lines
from tests.memory_server import FakeClock
from tests.tg_mlflow.memory_jobs import make_executor
from tg.common import JobFailedError
from tg.common.delivery.sagemaker import LogEvent, SagemakerConfig
from tg.common.delivery.sagemaker.executor import JobRequest
from tg_mlflow.errors import RecordingError, TrackingError
from tg_mlflow.replay.replay import Replay
from tg_mlflow.testing.memory_executor import Line
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.training.job import Job
from tg_mlflow.training.job_watch import watch_job

CHILD = "c" * 32


class Absent(MlflowClient):
    """Is away for some requests."""

    failures = 0

    def log_batch(self, *arguments: Any, **options: Any) -> None:
        self._answer()
        super().log_batch(*arguments, **options)

    def create_run(self, *arguments: Any, **options: Any) -> Run:
        self._answer()
        return super().create_run(*arguments, **options)

    def search_runs(self, *arguments: Any, **options: Any) -> PagedList[Run]:
        self._answer()
        return super().search_runs(*arguments, **options)

    def set_terminated(self, *arguments: Any, **options: Any) -> None:
        self._answer()
        super().set_terminated(*arguments, **options)

    def _answer(self) -> None:
        if self.failures > 0:
            self.failures -= 1
            raise MlflowException("it is away")


class Plain:
    """Applies records by keeping them; the training's own metrics are those of records with a value."""

    def __init__(self, error: Exception | None = None) -> None:
        self.applied: list[tuple[dict[str, Any], bool]] = []
        self.missing_count = -1
        self.has_notes = False
        self._error = error
        self._metrics: list[Metric] = []

    def apply(self, record: dict[str, Any], is_recorded: bool = False) -> None:
        if self._error is not None:
            raise self._error
        self.applied.append((record, is_recorded))
        self._metrics += [Metric(record["op"], record["value"], 1, 1)] if "value" in record else []

    def flush(self) -> list[Metric]:
        metrics, self._metrics = self._metrics, []
        return metrics

    def finish(self, missing_count: int, has_failed: bool) -> None:
        self.missing_count = missing_count


Passed = list[tuple[list[str], int]]


def open_replay(applying: Plain) -> tuple[Replay, Passed]:
    passed: Passed = []
    return Replay(applying, lambda metrics, at: passed.append(([each.key for each in metrics], at))), passed


def test_without_records_metrics_are_passed_on_at_once() -> None:
    replay, passed = open_replay(Plain())
    threads = threading.active_count()
    replay.add([], [Metric("a", 1, 1, 1)], 10, is_recorded=False)
    replay.add([], [Metric("b", 1, 1, 1)], 20, is_recorded=True)
    assert (passed, threading.active_count()) == ([(["a"], 10)], threads)


def test_metrics_of_lines_and_of_records_are_passed_on_with_what_is_written() -> None:
    applying = Plain()
    replay, passed = open_replay(applying)
    replay.add([{"op": "early"}], [Metric("old", 1, 1, 1)], 10, is_recorded=True)
    replay.add([{"op": "own", "value": 1}], [Metric("line", 1, 1, 1)], 20, is_recorded=False)
    replay.settle()
    assert [name for names, _ in passed for name in names] == ["line", "own"]
    assert passed[-1][1] == 20
    replay.add([{"op": "late", "value": 2}], [], 30, is_recorded=False)
    replay.finish(3, has_failed=False)
    assert passed[-1] == (["late"], 30)
    assert applying.applied == [
        ({"op": "early"}, True),
        ({"op": "own", "value": 1}, False),
        ({"op": "late", "value": 2}, False),
    ]
    assert applying.missing_count == 3


def test_a_server_that_is_given_up_takes_nothing_more_and_nobody_waits() -> None:
    applying = Plain(TrackingError("it is away"))
    replay, passed = open_replay(applying)
    replay.add([{"op": "a"}] * 200_000, [], 10, is_recorded=False)
    replay.settle()
    replay.add([{"op": "b"}], [Metric("m", 1, 1, 1)], 20, is_recorded=False)
    replay.finish(0, has_failed=False)
    assert (str(replay.error), passed, applying.missing_count) == ("it is away", [], -1)


def test_an_absence_of_the_server_loses_nothing(store: MlflowClient) -> None:
    class AbsentClient(TrackingClient, Absent):
        pass

    client = AbsentClient(store.tracking_uri, clock=FakeClock())
    run_id = store.create_run("0").info.run_id
    records: list[dict[str, Any]] = [{"op": "run", "run": CHILD, "name": "child", "start": 1, "tags": {}}]
    records += [{"op": "batch", "run": CHILD, "metrics": [["loss", step / 4, 1, step]]} for step in range(5)]
    records += [{"op": "run_info", "run": CHILD, "status": "FINISHED", "end": 5, "name": None}]
    for failures in (1, 2, 3, 4, 5, 6):
        client.failures = failures
        with open_recorder(client, run_id) as recorder:
            recorder.take(LogEvent(write_lines(records), 7))
        (child,) = store.search_runs(["0"], "run_name = 'child'")
        history = store.get_metric_history(child.info.run_id, "loss")
        assert [(each.value, each.step) for each in history] == [(step / 4, step) for step in range(5)]
        assert (child.info.status, "tg.mlflow_notes" in store.get_run(run_id).data.tags) == ("FINISHED", False)
        store.delete_run(child.info.run_id)
        for tag in ("tg.training_run", "tg.job_run"):  # it is not found again
            store.restore_run(child.info.run_id)
            store.delete_tag(child.info.run_id, tag)
            store.delete_run(child.info.run_id)


def test_a_server_that_stays_away_is_heard_of_before_results_are_logged(store: MlflowClient) -> None:
    class AbsentClient(TrackingClient, Absent):
        pass

    client = AbsentClient(store.tracking_uri, patience_seconds=60, clock=FakeClock())
    run_id = store.create_run("0").info.run_id

    def watch() -> None:
        with open_recorder(client, run_id) as recorder:
            recorder.take(LogEvent(write_lines([{"op": "run", "run": CHILD, "name": "c", "start": 1, "tags": {}}]), 7))
            recorder.settle()

    client.failures = 1000
    with pytest.raises(RecordingError, match=rf"it is away.*tg-mlflow attach {run_id}"):
        watch()


def test_what_a_job_that_fails_has_kept_for_its_end_is_told_to_be_lost(store: MlflowClient) -> None:
    told = "the job has not completed, so models and large files that it has given to MLflow are not kept"
    for records, notes in (([{"op": "begin", "run": CHILD}], {"notes": [told]}), ([], {})):
        client, run_id = TrackingClient(store.tracking_uri), store.create_run("0").info.run_id
        lines = write_lines(records).decode().splitlines()
        executor = make_executor([Line(1, line) for line in [*lines, "some words"]], 2, failure="no luck")
        executor.submit(JobRequest("job", cast(SagemakerConfig, None)))
        with pytest.raises(JobFailedError, match="no luck"), open_recorder(client, run_id) as recorder:
            watch_job(client, Job(run_id, executor, "job"), recorder, show=lambda event: None)
        assert json.loads(store.get_run(run_id).data.tags.get("tg.mlflow_notes", "{}")) == notes


@pytest.mark.parametrize(
    ("record", "is_noted"),
    [
        ({"op": "note", "text": "not done"}, True),
        ({"op": "teleport"}, False),
        ({"op": "run_info", "run": CHILD, "status": "FAILED"}, True),
        ({"op": "batch", "run": "d" * 32, "params": [["a", "1"]]}, False),
        ({"op": "batch", "run": CHILD, "params": [["a@", "1"]]}, False),
    ],
)
def test_the_cursor_stands_before_what_has_to_be_met_again_to_be_told(
    store: MlflowClient, record: dict[str, Any], is_noted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tg_mlflow.recording.recorder._CURSOR_SECONDS", 0)
    client, run_id = TrackingClient(store.tracking_uri), store.create_run("0").info.run_id
    log = write_lines([{"op": "begin", "run": CHILD}, record])
    more = write_lines([{"op": "batch", "run": CHILD, "metrics": [["loss", 1, 1, 1]]}], 3)
    told = []
    for written in (0, len(log + more) if is_noted else 0):
        with open_recorder(client, run_id, written) as recorder:
            recorder.take(LogEvent(log, 7))
            recorder.settle()
            recorder.take(LogEvent(more, 7))
        told.append(store.get_run(run_id).data.tags["tg.mlflow_notes"])
    assert told[0] == told[1]
    assert ("tg.log_cursor" in store.get_run(run_id).data.tags) is is_noted
