"""What a launcher waits for stands in its run as long as it waits."""

import pytest
from mlflow.exceptions import MlflowException

from tests.memory_server import FakeClock, MemoryClient
from tg.common.system.waits import waiting_for
from tg_mlflow.tracking.events import read_events
from tg_mlflow.training.wait_notes import noting_waits


@pytest.fixture
def client() -> MemoryClient:
    return MemoryClient(patience_seconds=60, clock=FakeClock())


def test_a_run_says_what_it_waits_for_and_is_scheduled(client: MemoryClient) -> None:
    run_id = client.create_run("7").info.run_id
    with noting_waits(client, run_id, has_job=False) as waits:
        with waiting_for("its image"), waiting_for("a quota"):
            run = client.get_run(run_id)
            assert (run.info.status, run.data.tags["tg.waiting"]) == ("SCHEDULED", "a quota")
        assert waits.is_scheduled
    run = client.get_run(run_id)
    assert "tg.waiting" not in run.data.tags
    noted = [(event.state, event.cause) for event in read_events(run)[1:4]]
    assert noted == [("queued", ""), ("waiting", "its image"), ("waiting", "a quota")]
    assert client.requests.count("update_run") == 1


def test_a_run_whose_job_goes_on_is_not_scheduled_again(client: MemoryClient) -> None:
    run_id = client.create_run("7").info.run_id
    with noting_waits(client, run_id), waiting_for("the network"):
        run = client.get_run(run_id)
    assert (run.info.status, run.data.tags["tg.waiting"]) == ("RUNNING", "the network")


def test_a_server_that_is_away_is_not_waited_for(client: MemoryClient) -> None:
    run_id = client.create_run("7").info.run_id
    client.faults = {name: [MlflowException("away")] * 2 for name in ("set_tag", "delete_tag", "update_run")}
    with noting_waits(client, run_id, has_job=False) as waits, waiting_for("a quota"):
        pass
    assert not waits.is_scheduled
    assert [client.requests.count(name) for name in ("set_tag", "delete_tag", "update_run")] == [2, 1, 1]
