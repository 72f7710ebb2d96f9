"""What passes is waited for, and what an artifact store refuses is not."""

from pathlib import Path

import pytest
import requests

from tests.memory_server import FakeClock, MemoryClient
from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.answers import is_passing


def answer(status: int) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    return response


def test_a_store_that_is_away_is_waited_for(tmp_path: Path) -> None:
    clock = FakeClock()
    client = MemoryClient(patience_seconds=60, clock=clock)
    run_id = client.create_run("7").info.run_id
    path = tmp_path / "some.txt"
    path.write_bytes(b"hello")
    away = requests.HTTPError("503 Server Error", response=answer(503))
    client.faults["log_artifact"] = [away, requests.ReadTimeout("timed out"), requests.ConnectionError("cut off")]
    client.log_artifact(run_id, str(path))
    assert client.files == {(run_id, "some.txt"): b"hello"}
    assert clock.pauses == [0.5, 1, 2]
    client.faults["log_artifact"] = [away] * 99
    with pytest.raises(TrackingError, match=r"^503 Server Error$") as raised:
        client.log_artifact(run_id, str(path))
    assert (raised.value.is_final, sum(clock.pauses)) == (True, 3.5 + 60)
    with pytest.raises(TrackingError, match=r"^503 Server Error$"):
        client.log_artifact(run_id, str(path))
    assert sum(clock.pauses) == 63.5  # all files wait together


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (requests.HTTPError(response=answer(503)), True),
        (requests.HTTPError(response=answer(429)), True),
        (requests.HTTPError(response=answer(413)), False),
        (requests.HTTPError(response=answer(500)), False),
        (requests.HTTPError("no answer"), False),
        (requests.exceptions.RetryError("Max retries exceeded: too many 504 error responses"), True),
        (requests.exceptions.RetryError("Max retries exceeded: too many 500 error responses"), False),
        (requests.ConnectTimeout("slow"), True),
        (PermissionError("no"), False),
        (None, False),
    ],
)
def test_what_passes_is_told_from_what_does_not(error: Exception | None, passes: bool) -> None:
    assert is_passing(error) is passes
    wrapped = RuntimeError("of a store of its own")
    wrapped.__context__ = error
    assert is_passing(wrapped) is passes
