"""A run that is asked for is created once, whatever becomes of the answer."""

from typing import Any

import pytest
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from tests.memory_server import FakeClock, MemoryServer
from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.events import note_event, read_events
from tg_mlflow.training.creation import create_tagged_run

AWAY = MlflowException("it is away")


class CutServer(MemoryServer):
    """Loses answers: ``made`` runs come of each request, and its answer is lost if ``is_cut``."""

    made, is_cut = 1, False

    def create_run(self, *arguments: Any, **named: Any) -> Run:
        runs = [super(CutServer, self).create_run(*arguments, **named) for _ in range(self.made)]
        if self.is_cut:
            raise AWAY
        return runs[-1]


class CutClient(TrackingClient, CutServer):
    """A client of that server."""


def create(client: CutClient) -> str:
    return create_tagged_run(client, "7", {"a": "b"}, "name")


def runs_of(client: CutClient) -> list[str]:
    return list(client._runs)


@pytest.mark.parametrize(("made", "is_cut"), [(1, False), (1, True), (2, False), (2, True)])
def test_there_is_one_run(made: int, is_cut: bool) -> None:
    client = CutClient(clock=FakeClock())
    client.made, client.is_cut = made, is_cut
    run_id = create(client)
    assert runs_of(client) == [run_id]
    client.made, client.is_cut = 1, False
    other_id = create(client)  # with a mark of its own
    assert runs_of(client) == [run_id, other_id]


def test_a_run_that_was_not_created_is_not_found() -> None:
    client = CutClient(clock=FakeClock())
    client.faults["create_run"] = [AWAY]
    with pytest.raises(TrackingError, match="it is away"):
        create(client)
    assert client.requests == ["create_run", "search_runs"]
    client.faults = {"create_run": [AWAY], "search_runs": [AWAY]}
    with pytest.raises(TrackingError, match="it is away"):
        create(client)
    client.faults = {"search_runs": [AWAY]}  # it is only for the case that there are two
    run_id = create(client)
    assert runs_of(client) == [run_id]


def test_a_second_run_that_stays_is_named(caplog: pytest.LogCaptureFixture) -> None:
    client = CutClient(clock=FakeClock())
    client.made, client.faults = 2, {"delete_run": [AWAY]}
    run_id = create(client)
    (other,) = set(runs_of(client)) - {run_id}
    assert caplog.messages == [
        f"Run {other} was created beside run {run_id} and cannot be removed: it is away; use `tg-mlflow cancel {other}`"
    ]


def test_what_is_known_of_a_new_run_is_not_asked_for() -> None:
    client = CutClient(clock=FakeClock())
    run_id = create(client)
    client.requests.clear()
    note_event(client.without_patience(), run_id, "packaged", "a.tar.gz")
    assert client.find_experiment(run_id) == "7"
    assert client.requests == ["set_tag"]
    other = CutClient(clock=FakeClock())
    other._runs = client._runs
    note_event(other, run_id, "attached")
    assert [other.find_experiment(run_id), other.find_experiment(run_id)] == ["7", "7"]
    assert other.requests == ["get_run", "set_tag", "get_run"]
    assert [event.state for event in read_events(client.get_run(run_id))] == ["created", "packaged", "attached"]
