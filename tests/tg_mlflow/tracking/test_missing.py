import pytest
from mlflow.exceptions import MlflowException

from tests.memory_server import MemoryClient
from tg_mlflow.tracking.missing import note_missing


def test_what_is_missing_is_added_once_to_what_is_known() -> None:
    client = MemoryClient()
    run_id = client.create_run("7").info.run_id
    note_missing(client, run_id, [])
    assert client.get_run(run_id).data.tags == {}
    note_missing(client, run_id, ["package"])
    note_missing(client, run_id, ["dataset", "package"])
    assert client.get_run(run_id).data.tags == {"tg.missing": "package, dataset"}


def test_a_server_that_does_not_take_it_is_asked_once(caplog: pytest.LogCaptureFixture) -> None:
    client = MemoryClient()
    run_id = client.create_run("7").info.run_id
    client.faults["set_tag"] = [MlflowException("it is away")]
    note_missing(client, run_id, ["package"])
    (said,) = caplog.messages
    assert said.startswith("The run cannot be told that it lacks package: ")
    assert client.requests.count("set_tag") == 1
