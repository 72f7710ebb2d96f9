import json
import re
import shutil
import threading
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, RunTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

from tests.job_output import open_recorder
from tests.memory_server import FakeClock
from tg.common import JobFailedError, JobStoppedError, JobUnreachableError
from tg.common.delivery.sagemaker import LogEvent, format_metric_line
from tg.common.secrets import SecretMask
from tg_mlflow.errors import RecordingError
from tg_mlflow.recording.recorder import RunRecorder
from tg_mlflow.replay.replayer import Replayer
from tg_mlflow.tracking.client import TrackingClient


@pytest.fixture
def client(store: MlflowClient) -> TrackingClient:
    return TrackingClient(store.tracking_uri)


@pytest.fixture
def run_id(store: MlflowClient) -> str:
    experiment = store.get_experiment_by_name("test")
    return store.create_run(experiment.experiment_id).info.run_id


def metric_event(name: str, value: float) -> LogEvent:
    return LogEvent(f"{format_metric_line(name, value)}\n".encode(), 7)


def history(client: MlflowClient, run_id: str, name: str) -> list[tuple[float, int, int]]:
    return [(point.value, point.step, point.timestamp) for point in client.get_metric_history(run_id, name)]


def test_metrics_arrive_with_value_step_and_time(client: TrackingClient, run_id: str) -> None:
    with open_recorder(client, run_id) as recorder:
        recorder.take(LogEvent(b"###METRIC###loss:0.5###step:3;time:12###\n###METRIC###loss:0.1###\n", 99))
    assert history(client, run_id, "loss") == [(0.5, 3, 12), (0.1, 1, 99)]
    assert recorder.position == 65
    assert recorder.tail.lines == ["###METRIC###loss:0.5###step:3;time:12###", "###METRIC###loss:0.1###"]


def test_a_line_that_never_ends_is_of_the_time_when_it_was_written(
    store: MlflowClient, client: TrackingClient, run_id: str
) -> None:
    for _ in range(2):  # whoever comes later finds the same point
        with open_recorder(client, run_id) as recorder:
            recorder.take(LogEvent(b"###METRIC###loss:0.5###", 99))
    assert history(store, run_id, "loss") == [(0.5, 0, 99)]


def test_metrics_are_in_the_store_while_the_training_goes_on(
    store: MlflowClient, client: TrackingClient, run_id: str
) -> None:
    import time

    with open_recorder(client, run_id) as recorder:
        recorder.take(metric_event("loss", 0.5))
        deadline = time.monotonic() + 30
        while not history(store, run_id, "loss"):
            assert time.monotonic() < deadline, "the metric is not in the store"
            time.sleep(0.05)


def test_many_metrics_are_all_written(client: TrackingClient, run_id: str) -> None:
    with open_recorder(client, run_id) as recorder:
        for step in range(2500):
            recorder.take(LogEvent(format_metric_line("loss", step / 10, step).encode() + b"\n", 7))
    assert history(client, run_id, "loss") == [(step / 10, step, 7) for step in range(2500)]


def test_names_that_mlflow_refuses_are_changed(client: TrackingClient, run_id: str) -> None:
    with open_recorder(client, run_id) as recorder:
        for name in ("f1@5", "/a//b", "../c", "größe %", "f1%5", "plain"):
            recorder.take(metric_event(name, 1.0))
    run = client.get_run(run_id)
    assert set(run.data.metrics) == {"f1_5", "a/b", "c", "größe _", "f1_5-2", "plain"}
    assert json.loads(run.data.tags["tg.metric_names"]) == {
        "f1_5": "f1@5",
        "a/b": "/a//b",
        "c": "../c",
        "größe _": "größe %",
        "f1_5-2": "f1%5",
    }


def test_the_log_is_kept(store: MlflowClient, client: TrackingClient, run_id: str, tmp_path: Path) -> None:
    with open_recorder(client, run_id) as recorder:
        recorder.take(LogEvent(b"one\ntw", 1))
        recorder.take(LogEvent(b"o\n\xff", 2))
    path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="logs/train.log", dst_path=str(tmp_path))
    assert Path(path).read_bytes() == b"one\ntwo\n\xff"


def test_a_store_that_refuses_is_heard_of(client: TrackingClient, run_id: str) -> None:
    message = r"not found.*run `tg-mlflow attach 0{32}`"
    with pytest.raises(RecordingError, match=message), open_recorder(client, "0" * 32) as recorder:
        recorder.take(metric_event("loss", 0.5))


def test_the_trainings_own_error_goes_first(client: TrackingClient, run_id: str) -> None:
    def train() -> None:
        with open_recorder(client, run_id) as recorder:
            recorder.take(metric_event("loss", 0.5))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train()
    assert len(history(client, run_id, "loss")) == 1


class Outage(MlflowClient):
    """Lets requests through to the store only when the server is back."""

    failures = 0

    def __init__(self, tracking_uri: str | None = None) -> None:
        super().__init__(tracking_uri)
        self.batches: list[int] = []

    def log_batch(self, run_id: str, metrics: Sequence[Metric] = (), *others: Any) -> None:
        if not metrics:
            super().log_batch(run_id, metrics, *others)
            return
        self.batches.append(len(metrics))
        super().log_batch(run_id, metrics, *others)
        if self.failures:
            self.failures -= 1
            raise MlflowException("the connection broke")  # it was taken, but the answer is lost


class OutageClient(TrackingClient, Outage):
    """A client of such a server."""


def test_an_outage_loses_nothing_and_doubles_nothing(store: MlflowClient, run_id: str) -> None:
    clock = FakeClock()
    outage = OutageClient(store.tracking_uri, clock=clock)
    outage.failures = 2
    with open_recorder(outage, run_id) as recorder:
        for step in range(50):
            recorder.take(LogEvent(format_metric_line("loss", step / 10, step).encode() + b"\n", 7))
    assert history(store, run_id, "loss") == [(step / 10, step, 7) for step in range(50)]
    assert outage.failures == 0
    assert len(outage.batches) >= 3
    assert clock.pauses == [0.5, 1]


def test_a_server_that_stays_away_is_given_up(store: MlflowClient, run_id: str) -> None:
    clock = FakeClock()
    outage = OutageClient(store.tracking_uri, patience_seconds=60, clock=clock)
    outage.failures = 1000

    def record() -> None:
        with open_recorder(outage, run_id) as recorder:
            recorder.take(metric_event("loss", 0.5))

    with pytest.raises(RecordingError, match=r"did not take the metrics of run .* .the connection broke"):
        record()
    assert clock.pauses == [0.5, 1, 2, 4, 8, 10, 10, 10, 10, 4.5]


@pytest.mark.parametrize(
    "error", [JobFailedError("exit code 1"), JobStoppedError("it was stopped"), KeyboardInterrupt()]
)
def test_metrics_that_are_not_taken_keep_a_run_open_however_its_training_ends(
    store: MlflowClient, run_id: str, error: BaseException
) -> None:
    outage = OutageClient(store.tracking_uri, patience_seconds=0)
    outage.failures = 1

    def record() -> None:
        with open_recorder(outage, run_id) as recorder:
            recorder.take(metric_event("loss", 0.5))
            raise error

    with pytest.raises(RecordingError, match=r"did not take the metrics of run .* .the connection broke"):
        record()


@pytest.mark.parametrize("error", [RecordingError("the server is away"), JobUnreachableError("no network")])
def test_what_keeps_a_run_open_anyway_is_raised_as_it_is(
    store: MlflowClient, run_id: str, error: BaseException
) -> None:
    outage = OutageClient(store.tracking_uri, patience_seconds=0)
    outage.failures = 1

    def record() -> None:
        with open_recorder(outage, run_id) as recorder:
            recorder.take(metric_event("loss", 0.5))
            raise error

    with pytest.raises(type(error)) as caught:
        record()
    assert caught.value is error


def test_a_run_that_fails_says_that_its_log_could_not_be_sent(
    store: MlflowClient, run_id: str, temporary: Path
) -> None:
    class NoFiles(MlflowClient):
        def log_artifact(self, *arguments: Any, **named: Any) -> None:
            raise MlflowException("the disk is full")

    class NoFilesClient(TrackingClient, NoFiles):
        pass

    def record(error: Exception) -> None:
        with open_recorder(NoFilesClient(store.tracking_uri, patience_seconds=0), run_id) as recorder:
            recorder.take(metric_event("loss", 0.5))
            raise error

    store.set_tag(run_id, "tg.missing", "package")
    with pytest.raises(JobUnreachableError):
        record(JobUnreachableError("no network"))
    assert store.get_run(run_id).data.tags["tg.missing"] == "package"  # the log is sent when the rest is recorded
    with pytest.raises(JobFailedError):
        record(JobFailedError("exit code 1"))
    told = store.get_run(run_id).data.tags["tg.missing"]
    assert re.fullmatch(
        r"package, logs/train\.log \(the log could not be sent \(.*the disk is full.*\); it is .*/train\.log\)", told
    )


class Refusal(Outage):
    """Refuses batches with some metrics, as MLflow does."""

    refused: AbstractSet[tuple[str, int]] = frozenset()

    def log_batch(self, run_id: str, metrics: Sequence[Metric] = (), *others: Any) -> None:
        if any((point.key, point.step) in self.refused for point in metrics):
            self.batches.append(0)
            raise MlflowException("no password123 here", INVALID_PARAMETER_VALUE)
        super().log_batch(run_id, metrics, *others)


class RefusalClient(TrackingClient, Refusal):
    """A client of such a server."""


def connect_refusing(store: MlflowClient, refused: set[tuple[str, int]]) -> RefusalClient:
    client = RefusalClient(store.tracking_uri, SecretMask(["password123"]))
    client.refused = refused
    return client


def test_metrics_that_the_server_refuses_do_not_end_the_others(
    store: MlflowClient, run_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = connect_refusing(store, {("f_1", 1500), ("f_1", 17)})
    lines = [format_metric_line("f@1", step / 10, step, 12).encode() + b"\n" for step in range(2500)]
    with open_recorder(client, run_id) as recorder:
        recorder.take(LogEvent(b"".join(lines), 7))
    assert len(client.batches) < 50
    told = json.loads(store.get_run(run_id).data.tags["tg.refused_metrics"])
    assert told == {
        "count": 2,
        "first": "###METRIC###f@1:1.7###step:17;time:12###",
        "reason": "no *** here",
    }
    assert "password123" not in caplog.text
    assert history(store, run_id, "f_1") == [(step / 10, step, 12) for step in range(2500) if step not in (17, 1500)]


def test_what_the_server_refuses_is_told_again_by_who_takes_over(
    store: MlflowClient, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tg_mlflow.recording.recorder._CURSOR_SECONDS", 0)
    lines = [format_metric_line("loss", step, step, 12).encode() + b"\n" for step in range(3000)]
    client, tags = connect_refusing(store, {("loss", 1500), ("loss", 2500)}), []
    for _ in range(2):
        written = int(store.get_run(run_id).data.tags.get("tg.log_cursor", 0))
        with open_recorder(client, run_id, written) as recorder:
            for start in range(0, 3000, 1000):
                recorder.take(LogEvent(b"".join(lines[start : start + 1000]), 7))
        tags.append(store.get_run(run_id).data.tags)
    assert json.loads(tags[0]["tg.refused_metrics"])["count"] == 2
    assert tags[0] == tags[1]
    assert int(tags[0]["tg.log_cursor"]) == len(b"".join(lines[:1000]))


def test_a_run_that_is_deleted_meanwhile_takes_nothing(
    store: MlflowClient, client: TrackingClient, run_id: str
) -> None:
    def record() -> None:
        with open_recorder(client, run_id) as recorder:
            recorder.take(LogEvent(b"###METRIC###loss:1###step:1###\n" * 5, 7))

    store.delete_run(run_id)
    with pytest.raises(RecordingError, match="it is deleted; restore it first"):
        record()
    store.restore_run(run_id)
    assert "tg.refused_metrics" not in store.get_run(run_id).data.tags
    record()
    assert history(store, run_id, "loss") == [(1, 1, 7)]


def test_what_cannot_be_read_is_told_in_the_run(
    store: MlflowClient, run_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    for chunks in (
        [b"###METRIC###key:hf_abc", b"def###\n###METRIC###\0###", b"\n"],
        [b"###METRIC###key:hf_abcdef###\n###METRIC###\0###\n"],
    ):
        with open_recorder(TrackingClient(store.tracking_uri, SecretMask(["hf_abcdef"])), run_id) as recorder:
            for chunk in chunks:
                recorder.take(LogEvent(chunk, 7))
        told = json.loads(store.get_run(run_id).data.tags["tg.unreadable_metrics"])
        assert told == {"count": 2, "first": "###METRIC###key:***###"}
        assert "2 metric lines could not be read, the first one '###METRIC###key:***###'" in caplog.text
    assert "hf_abcdef" not in caplog.text


def test_where_everything_can_be_read_nothing_is_told(client: TrackingClient, run_id: str) -> None:
    with open_recorder(client, run_id) as recorder:
        recorder.take(LogEvent(b"###METRIC###loss:1###\n", 7))
    assert not {tag for tag in client.get_run(run_id).data.tags if tag.startswith("tg.")}


def test_a_server_that_does_not_take_what_is_missing_is_heard_of(store: MlflowClient, run_id: str) -> None:
    class NoTags(MlflowClient):
        def set_tag(self, *arguments: Any) -> None:
            raise MlflowException("the connection broke")

    class NoTagsClient(TrackingClient, NoTags):
        pass

    def record() -> None:
        with open_recorder(NoTagsClient(store.tracking_uri, patience_seconds=0), run_id) as recorder:
            recorder.take(LogEvent(b"###METRIC###loss:one###\n", 7))

    with pytest.raises(RecordingError, match=r"the connection broke.*tg-mlflow attach"):
        record()


def test_many_odd_names_can_all_be_told(client: TrackingClient, run_id: str) -> None:
    written = [f"é{number}@%" * 30 for number in range(1200)]
    for _ in range(2):  # whoever comes later finds the same keys
        with open_recorder(client, run_id) as recorder:
            for name in written:
                recorder.take(LogEvent(f"###METRIC###{name}:1###\n".encode(), 7))
        run = client.get_run(run_id)
        tags = {tag: value for tag, value in run.data.tags.items() if tag.startswith("tg.metric_names")}
        assert set(tags) == {"tg.metric_names", *(f"tg.metric_names.{number}" for number in range(2, len(tags) + 1))}
        names = {key: name for value in tags.values() for key, name in json.loads(value).items()}
        assert set(names) == set(run.data.metrics)
        assert sorted(names.values()) == sorted(written)


def test_a_name_that_is_seen_while_the_others_are_told_is_told_too(store: MlflowClient, run_id: str) -> None:
    class Meanwhile(TrackingClient):
        def log_batch(self, run_id: str, *args: Any, tags: Sequence[RunTag] = (), **kwargs: Any) -> None:
            super().log_batch(run_id, *args, tags=tags, **kwargs)
            if tags and not told.is_set():
                told.set()
                assert more.wait(30)

    told, more = threading.Event(), threading.Event()
    with open_recorder(Meanwhile(store.tracking_uri), run_id) as recorder:
        recorder.take(metric_event("a@", 1.0))
        assert told.wait(30)
        recorder.take(metric_event("b@", 1.0))
        more.set()
    assert json.loads(store.get_run(run_id).data.tags["tg.metric_names"]) == {"a_": "a@", "b_": "b@"}


def test_a_log_that_cannot_be_sent_stays_on_disk(
    store: MlflowClient, run_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    class NoArtifacts(MlflowClient):
        def log_artifact(self, *arguments: Any) -> None:
            raise OSError("the bucket is gone")

    class NoArtifactsClient(TrackingClient, NoArtifacts):
        pass

    with open_recorder(NoArtifactsClient(store.tracking_uri), run_id) as recorder:
        recorder.take(LogEvent(b"some words\n", 7))
    reason, _, path = caplog.messages[-1].partition("; it is ")
    assert reason == "the log could not be sent (the bucket is gone)"
    assert Path(path).read_bytes() == b"some words\n"
    shutil.rmtree(Path(path).parent)


def test_what_was_recorded_before_is_not_written_again(
    store: MlflowClient, client: TrackingClient, run_id: str
) -> None:
    lines = [f"###METRIC###f@{step % 2}:{step}###\n".encode() for step in range(6)]
    with open_recorder(client, run_id, written=len(b"".join(lines[:4]))) as recorder:
        for line in lines:
            recorder.take(LogEvent(line, 7))
    # The steps and the names go on from what was only read.
    assert history(store, run_id, "f_0") == [(4, 2, 7)]
    assert history(store, run_id, "f_1") == [(5, 2, 7)]


def test_the_cursor_says_how_far_the_recording_has_come(
    client: TrackingClient, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tg_mlflow.recording.recorder._CURSOR_SECONDS", 0)
    line = b"###METRIC###loss:1###\n"
    with open_recorder(client, run_id) as recorder:
        recorder.take(LogEvent(b"hello\n" + line, 7))
        recorder.take(LogEvent(b"###METRIC###lo", 8))
    assert client.get_run(run_id).data.tags["tg.log_cursor"] == str(6 + len(line) + 14)


def test_what_another_machine_says_is_kept_without_its_metrics(
    store: MlflowClient, client: TrackingClient, run_id: str
) -> None:
    with open_recorder(client, run_id) as recorder:
        recorder.take(LogEvent(b"algo-2 | ###METRIC###loss:1###\n", 7, has_metrics=False))
        recorder.take(LogEvent(b"###METRIC###loss:2###\n", 7))
    assert history(store, run_id, "loss") == [(2, 0, 7)]


def test_what_the_job_itself_says_reaches_its_handler_and_no_log(client: TrackingClient, run_id: str) -> None:
    taken = list[Any]()
    handlers = {"end": lambda content, time_ms: taken.append((content["exit_code"], time_ms))}
    with RunRecorder(client, run_id, Replayer(client, run_id), handlers=handlers) as recorder:
        shown = recorder.take(LogEvent(b'a\n###JOB###{"op":"end","exit_code":0}###\nb\n', 7)).data
        foreign = recorder.take(LogEvent(b'###JOB###{"op":"end","exit_code":1}###\nc\n', 8, has_metrics=False)).data
    assert (shown, foreign, recorder.tail.lines, taken) == (b"a\nb\n", b"c\n", ["a", "b", "c"], [(0, 7)])
