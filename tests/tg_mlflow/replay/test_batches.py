"""What is logged to runs, in as few requests as possible."""

from collections.abc import Sequence
from typing import Any, cast

from mlflow.entities import Metric

from tg_mlflow.replay.batches import RunBatches
from tg_mlflow.tracking.client import TrackingClient


class Server:
    """Takes requests as they come."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, list[Any], list[Any], list[Any]]] = []

    def log_batch(self, run_id: str, metrics: Sequence[Any], params: Sequence[Any], tags: Sequence[Any]) -> None:
        keys = ([f"{each.key}={each.value}" for each in items] for items in (metrics, params, tags))
        self.requests.append((run_id, *keys))


def write(*added: tuple[str, list[Metric], dict[str, str], dict[str, str]]) -> Server:
    server = Server()
    batches = RunBatches(cast(TrackingClient, server), lambda *_: None)
    for each in added:
        batches.add(*each)
    batches.flush()
    return server


def metric(key: str, value: float) -> Metric:
    return Metric(key, value, 7, 0)


def test_all_kinds_of_a_run_are_one_request() -> None:
    server = write(("a", [metric("x", 1)], {"p": "1"}, {"t": "1"}), ("a", [metric("y", 2)], {"q": "2"}, {"t": "2"}))
    assert server.requests == [("a", ["x=1", "y=2"], ["p=1", "q=2"], ["t=2"])]


def test_a_request_holds_what_mlflow_takes() -> None:
    points = [Metric("x", 0.5, 7, step) for step in range(2001)]
    server = write(("a", points, {f"p{number}": "" for number in range(250)}, {}))
    assert [tuple(map(len, request[1:])) for request in server.requests] == [(800, 100, 0), (800, 100, 0), (401, 50, 0)]
