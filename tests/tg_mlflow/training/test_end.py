"""How a training's error is told to whoever has called for it."""

import errno
import os
from pathlib import Path

import pytest

from tests.memory_server import MemoryClient
from tg.common import JobFailedError
from tg.common.secrets import SecretMask
from tg_mlflow.errors import RecordingError, RunEndedError
from tg_mlflow.training.end import TrainingEnd, read_end


def end_with(error: Exception, status: str) -> tuple[str, TrainingEnd]:
    client = MemoryClient(None, SecretMask(["tok-4f5e6d"]))
    run_id = client.create_run("7").info.run_id
    client.set_terminated(run_id, status)
    return run_id, read_end(client, run_id, error)


def test_a_failed_job_has_the_end_of_its_log_behind_the_first_line() -> None:
    run_id, end = end_with(JobFailedError("job a FAILED\nlast words of tok-4f5e6d"), "FAILED")
    assert end == TrainingEnd("FAILED", f"Run {run_id} FAILED: job a FAILED\nlast words of ***")


def test_a_run_that_is_not_recorded_goes_on_whatever_the_server_says() -> None:
    run_id, end = end_with(RecordingError("the server is away"), "FINISHED")
    assert end == TrainingEnd("RUNNING", f"Run {run_id} is not complete: the server is away")


@pytest.mark.parametrize(("status", "fails"), [("FINISHED", False), ("KILLED", True)])
def test_a_run_that_another_process_has_ended(status: str, fails: bool) -> None:
    run_id, end = end_with(RunEndedError("another process has ended it"), status)
    assert end == TrainingEnd(status, f"Run {run_id} {status}: another process has ended it" if fails else None)


def test_an_error_whose_message_cannot_be_shown_has_its_type(caplog: pytest.LogCaptureFixture) -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    run_id, end = end_with(Silent(), "FAILED")
    reason = "Silent: its message cannot be shown, as its __str__ raises ZeroDivisionError"
    assert end == TrainingEnd("FAILED", f"Run {run_id} FAILED: {reason}")
    assert caplog.messages[0].endswith("Silent: <exception str() failed>\n")


def test_an_error_of_the_projects_code_is_shown_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    run_id, end = end_with(ValueError("no tok-4f5e6d"), "FAILED")
    assert end == TrainingEnd("FAILED", f"Run {run_id} FAILED: ValueError: no ***")
    assert caplog.messages == [
        "The training raised an error that is not about its input:\nValueError: no ***\n",
    ]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (
            errno.ENOSPC,
            "temporary files cannot be written to {folder!r}: the disk is full; free space there, or set TMPDIR to "
            "another folder",
        ),
        (errno.EIO, f"OSError: [Errno {errno.EIO}] Input/output error: {{path!r}}"),
        (errno.EROFS, f"OSError: [Errno {errno.EROFS}] Read-only file system: {{path!r}}"),
    ],
)
def test_a_disk_that_is_full_is_one_line(
    number: int, said: str, caplog: pytest.LogCaptureFixture, temporary: Path
) -> None:
    path = str(temporary / "tg-1" / "a.tar.gz")
    run_id, end = end_with(OSError(number, os.strerror(number), path), "FAILED")
    assert end.failure == f"Run {run_id} FAILED: {said.format(folder=str(temporary), path=path)}"
    assert caplog.messages == []
    end_with(OSError(number, os.strerror(number), "/data/of/the/project"), "FAILED")
    assert len(caplog.messages) == 1
