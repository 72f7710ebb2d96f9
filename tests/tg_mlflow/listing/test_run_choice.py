"""Which run a user means."""

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.memory_server import MemoryClient
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.listing.run_choice import find_run_id, find_short_length
from tg_mlflow.tracking.client import TrackingClient


@pytest.fixture
def client(store: MlflowClient) -> TrackingClient:
    return TrackingClient(patience_seconds=0)


def create(store: MlflowClient, name: str, start_time: int = 1, **tags: str) -> Run:
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    tags = {"tg.version": "0.1", **tags}
    return store.create_run(experiment.experiment_id, start_time=start_time, tags=tags, run_name=name)


def test_a_full_id_is_taken_as_it_is_without_a_request() -> None:
    client = MemoryClient()
    assert find_run_id(client, "0" * 31 + "7") == "0" * 31 + "7"
    assert client.requests == []


def test_the_beginning_of_an_id_or_a_name(store: MlflowClient, client: TrackingClient) -> None:
    run_id = create(store, "Ann's run").info.run_id
    create(store, "another")
    assert find_run_id(client, run_id[:12]) == run_id
    assert find_run_id(client, "Ann's run") == run_id
    for given in (run_id[:3], run_id[4:12], "Ann", "ann's run", "", "%", "a' or 'a", "both ' and \""):
        with pytest.raises(RunNotOursError, match=r"there is no run .* of tg-mlflow in sqlite"):
            find_run_id(client, given)


def test_a_run_that_is_not_ours_or_is_deleted_has_no_short_name(store: MlflowClient, client: TrackingClient) -> None:
    deleted = create(store, "gone").info.run_id
    store.delete_run(deleted)
    foreign = create(store, "foreign")
    store.delete_tag(foreign.info.run_id, "tg.version")
    for given in ("gone", deleted[:12], "foreign", foreign.info.run_id[:12], "last"):
        with pytest.raises(RunNotOursError, match="there is no run"):
            find_run_id(client, given)


def test_a_name_of_several_runs_is_told_with_what_tells_them_apart(store: MlflowClient, client: TrackingClient) -> None:
    older, newer = (create(store, "C=1", start_time=moment).info.run_id for moment in (1, 2))
    store.set_terminated(older, "FAILED")
    with pytest.raises(RunNotOursError) as error:
        find_run_id(client, "C=1")
    assert str(error.value) == (
        f"'C=1' may be {newer[:8]} (C=1, RUNNING), {older[:8]} (C=1, FAILED); give more of the id"
    )


def test_a_name_that_is_the_beginning_of_another_runs_id(store: MlflowClient, client: TrackingClient) -> None:
    first = create(store, "first").info.run_id
    create(store, first[:6])
    with pytest.raises(RunNotOursError, match=rf"^'{first[:6]}' may be {first[:8]} \(first, RUNNING\), "):
        find_run_id(client, first[:6])
    store.set_tag(first, "mlflow.runName", first[:7])  # by both, it is the same run
    assert find_run_id(client, first[:7]) == first


def test_the_last_run_is_no_training_of_a_sweep(store: MlflowClient, client: TrackingClient) -> None:
    create(store, "before", start_time=1)
    sweep = create(store, "sweep", 2, **{"tg.sweep": "{}"}).info.run_id
    create(store, "C=1", 3, **{"mlflow.parentRunId": sweep, "tg.sweep_name": "C=1"})
    assert find_run_id(client, "last") == sweep


def test_ids_are_as_long_as_they_must_be() -> None:
    assert find_short_length(["a" * 32, "b" * 32]) == 8
    assert find_short_length(["a" * 32, "a" * 9 + "b" * 23, "a" * 32]) == 10
    assert find_short_length([]) == 8
