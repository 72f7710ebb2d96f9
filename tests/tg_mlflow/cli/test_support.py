"""What a command says at its end, and its exit code."""

import errno
import os

import mlflow
import pytest
from mlflow.exceptions import ExecutionException, MlflowException

from tg_mlflow.cli.support import asking, exiting_on_errors
from tg_mlflow.errors import ProjectError, TrackingError


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ExecutionException("Run 1 FAILED: no luck"), "Run 1 FAILED: no luck"),
        (ProjectError("there is no MLproject"), "there is no MLproject"),
        (TrackingError("it is away"), "the tracking server at http://it does not answer as it should: it is away"),
        (OSError(errno.EIO, "I/O error", "/jobs/a"), "OSError: [Errno 5] I/O error: '/jobs/a'"),
        (
            MlflowException("no such page"),
            "the tracking server at http://it does not answer as it should: no such page",
        ),
    ],
)
def test_a_command_says_in_one_line_whose_fault_it_is(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mlflow, "get_tracking_uri", lambda: "http://it")
    with pytest.raises(SystemExit, match="1"), exiting_on_errors():
        raise error
    assert caplog.messages == [f"=== {message} ==="]


def test_an_error_that_is_not_the_disks_keeps_its_traceback() -> None:
    with pytest.raises(FileNotFoundError), exiting_on_errors():
        raise FileNotFoundError(errno.ENOENT, "no such file", "/jobs/a")


@pytest.mark.parametrize(("given", "retries"), [(None, "1"), ("5", "5")])
def test_a_command_that_only_asks_is_soon_told_that_the_server_is_away(
    given: str | None, retries: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
    monkeypatch.delenv(variable, raising=False)
    if given is not None:
        monkeypatch.setenv(variable, given)
    with asking():
        assert os.environ[variable] == retries
    assert os.environ.get(variable) == given
