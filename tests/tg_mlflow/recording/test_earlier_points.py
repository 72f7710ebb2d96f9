"""What a run gets of the run that its training goes on from."""

import logging

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric

from tg_mlflow.recording.earlier_points import EarlierPoints
from tg_mlflow.tracking.client import TrackingClient


def make_run(store: MlflowClient, resumed: str | None = None, **tags: str) -> str:
    own = {"tg.resumed_from": resumed} if resumed is not None else {}
    run_id: str = store.create_run("0", tags={**own, **tags}).info.run_id
    return run_id


def log(store: MlflowClient, run_id: str, *points: tuple[str, float, int, int]) -> None:
    store.log_batch(run_id, [Metric(name, value, time_ms, step) for name, value, time_ms, step in points])


def history(store: MlflowClient, run_id: str, name: str) -> list[tuple[int, float, int]]:
    points = store.get_metric_history(run_id, name)
    return sorted((point.step, point.value, point.timestamp) for point in points)


def test_points_until_the_checkpoint_are_copied_once(store: MlflowClient) -> None:
    old = make_run(store)
    log(store, old, *[("loss", 1 / step, 1000 + step, step) for step in range(1, 9)])
    log(store, old, ("accuracy", 0.5, 1004, 0), ("accuracy", 0.6, 1008, 1), ("other", 3.0, 1001, 0))
    new = make_run(store, old)
    client = TrackingClient(store.tracking_uri)
    with EarlierPoints(client, new, lambda name: name) as earlier:
        earlier.take({"step": 4, "points": {"loss": 4, "accuracy": 1}}, 2000)
        log(store, new, ("loss", 1 / 5, 3000, 5))
        # A restart of the new job goes on from a checkpoint of its own.
        earlier.take({"step": 5, "points": {"loss": 5, "accuracy": 1}}, 3001)
    assert not earlier.is_missing
    assert history(store, new, "loss") == [
        (1, 1.0, 1001), (2, 0.5, 1002), (3, 1 / 3, 1003), (4, 0.25, 1004), (5, 0.2, 3000)
    ]  # fmt: skip
    assert history(store, new, "accuracy") == [(0, 0.5, 1004)]
    assert history(store, new, "other") == []
    assert store.get_run(new).data.tags["tg.resumed_from_step"] == "5"
    with EarlierPoints(client, new, lambda name: name) as again:  # as who attaches reads the log again
        again.take({"step": 4, "points": {"loss": 4, "accuracy": 1}}, 2000)
    assert len(history(store, new, "loss")) == 5


def test_a_job_that_goes_on_from_its_own_checkpoint_copies_nothing(store: MlflowClient) -> None:
    run_id = make_run(store)
    with EarlierPoints(TrackingClient(store.tracking_uri), run_id, lambda name: name) as earlier:
        earlier.take({"step": 7, "points": {"loss": 7}}, 2000)
        earlier.take({"step": "x", "points": []}, 2001)  # of a program that only looks like ours
    assert store.get_run(run_id).data.tags["tg.resumed_from_step"] == "7"
    assert history(store, run_id, "loss") == []


def test_what_cannot_be_copied_is_missing(store: MlflowClient, caplog: pytest.LogCaptureFixture) -> None:
    run_id = make_run(store, "0" * 32)
    with (
        caplog.at_level(logging.WARNING),
        EarlierPoints(TrackingClient(store.tracking_uri, patience_seconds=0), run_id, lambda name: name) as earlier,
    ):
        earlier.take({"step": 7, "points": {"loss": 7}}, 2000)
    assert earlier.is_missing
    assert f"Run {'0' * 32}, which run {run_id} goes on from, has no points of 'loss'" in caplog.text


def test_the_history_is_that_of_the_run_that_has_saved_the_checkpoint(store: MlflowClient) -> None:
    first, second = make_run(store), make_run(store)
    log(store, first, ("loss", 1.0, 1001, 0), ("loss", 0.5, 1002, 1))
    for new in (make_run(store), make_run(store, second)):  # the same folder is used again; `second` has said nothing
        with EarlierPoints(TrackingClient(store.tracking_uri), new, lambda name: name) as earlier:
            earlier.take({"step": 1, "points": {"loss": 1}, "run": first}, 2000)
        assert not earlier.is_missing
        assert history(store, new, "loss") == [(0, 1.0, 1001)]
        assert store.get_run(new).data.tags["tg.resumed_from"] in (first, second)
    own = make_run(store)
    with EarlierPoints(TrackingClient(store.tracking_uri), own, lambda name: name) as earlier:
        earlier.take({"step": 1, "points": {"loss": 1}, "run": own}, 2000)
    assert "tg.resumed_from" not in store.get_run(own).data.tags


def test_what_checkpoints_do_not_count_is_copied_up_to_the_first_own_step(
    store: MlflowClient, caplog: pytest.LogCaptureFixture
) -> None:
    old = make_run(store)
    log(store, old, *[("mine", 1 / step, 1000 + step, step) for step in range(1, 9)])
    log(store, old, *[("bare", float(number), 1000 + number, 0) for number in range(3)])
    log(store, old, ("once", 1.0, 1001, 0), ("tg.cost_usd", 2.0, 1001, 0), ("system/cpu", 3.0, 1001, 0))
    new = make_run(store, old)
    for _ in range(2):  # as who attaches reads the log again
        with (
            caplog.at_level(logging.WARNING),
            EarlierPoints(TrackingClient(store.tracking_uri), new, lambda name: name) as earlier,
        ):
            earlier.begin({}, 1999)
            log(store, new, ("mine", 0.3, 3000, 4), ("bare", 7.0, 3000, 0))
        assert history(store, new, "mine") == [(1, 1.0, 1001), (2, 0.5, 1002), (3, 1 / 3, 1003), (4, 0.3, 3000)]
    assert history(store, new, "bare") == [(0, 7.0, 3000)]
    assert earlier.is_missing
    assert f"Run {new} lacks what run {old}, which it goes on from, has of 'bare', 'once': " in caplog.text
