import os
import resource
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tests.memory_server import FakeClock
from tg.common.system.temporary_folder import remove_left_folders
from tg_mlflow.recording.log_artifact import LogArtifact
from tg_mlflow.tracking.client import TrackingClient

WAIT_SECONDS = 30


class Uploads(MlflowClient):
    """Takes a log as a tracking server does, which is away for its first calls."""

    def __init__(self, tracking_uri: str | None = None) -> None:
        self.logs: list[bytes] = []
        self.failures = 0
        self.answers = False

    def log_artifact(self, run_id: str, path: str, folder: str | None = None) -> None:
        self._fail()
        assert (run_id, folder, Path(path).name) == ("run", "logs", "train.log")
        self.logs.append(Path(path).read_bytes())

    def get_run(self, run_id: str) -> Any:
        if not self.answers:
            self._fail()

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise MlflowException("the connection broke")


class UploadsClient(TrackingClient, Uploads):
    """A client of such a server."""


def connect(failures: int = 0, answers: bool = False, patience_seconds: float = 300) -> UploadsClient:
    client = UploadsClient(patience_seconds=patience_seconds, clock=FakeClock())
    client.failures, client.answers = failures, answers
    return client


def open_log(client: TrackingClient) -> LogArtifact:
    return LogArtifact(client, "run")


def test_a_log_is_sent_as_it_is_while_it_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(UploadsClient):
        def log_artifact(self, run_id: str, path: str, folder: str | None = None) -> None:
            if not self.logs:
                begun.set()
                assert grown.wait(WAIT_SECONDS)
            super().log_artifact(run_id, path, folder)

    monkeypatch.setattr("tg_mlflow.recording.log_artifact._REFRESH_SECONDS", 0.01)
    begun, grown = threading.Event(), threading.Event()
    client = Slow(clock=FakeClock())
    with open_log(client) as log:
        log.write(b"one\n")
        assert begun.wait(WAIT_SECONDS)
        log.write(b"two\n")
        grown.set()
    assert client.logs[0] == b"one\n"
    assert client.logs[-1] == b"one\ntwo\n"
    assert log.failure is None


def test_a_server_that_is_away_at_the_end_is_waited_for() -> None:
    client = connect(failures=2)
    with open_log(client) as log:
        log.write(b"one\n")
    assert client.logs == [b"one\n"]
    assert log.failure is None


@pytest.mark.parametrize(("patience_seconds", "answers"), [(0.0, False), (WAIT_SECONDS, True)])
def test_a_log_stays_on_disk_where_only_its_place_is_away_or_the_server_stays_so(
    patience_seconds: float, answers: bool
) -> None:
    client = connect(100, answers, patience_seconds)
    with open_log(client) as log:
        log.write(b"one\n")
    reason, _, path = str(log.failure).partition("; it is ")
    assert reason == "the log could not be sent (the connection broke)"
    assert Path(path).read_bytes() == b"one\n"
    assert Path(path).parent.name.startswith("tg-mlflow-log-")  # which nothing removes
    assert client.failures >= 98
    shutil.rmtree(Path(path).parent)


def test_a_full_disk_does_not_end_the_training(caplog: pytest.LogCaptureFixture) -> None:
    client = connect()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open_log(client) as log:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (6, hard))
            for _ in range(3):
                log.write(b"one\n")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)
    assert client.logs == [b"one\non"]
    assert log.failure == "the log is not complete ([Errno 27] File too large)"
    assert [record.message for record in caplog.records] == [f"{log.failure}; the training goes on"]


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with open_log(connect()) as log:
        log.write(b"one\n")
        assert len(list(tmp_path.glob("tg-mlflow-tmp-*/train.log"))) == 1
        os.utime(next(tmp_path.iterdir()), (1, 1))
        assert remove_left_folders() == 0
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_does_not_remove_it_fails_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client = connect()
    with open_log(client) as log:
        log.write(b"one\n")
        monkeypatch.setattr("os.unlink", refuse)
        monkeypatch.setattr("os.rmdir", refuse)
    assert (client.logs, log.failure) == ([b"one\n"], None)
