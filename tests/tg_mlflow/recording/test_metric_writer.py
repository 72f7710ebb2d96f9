import threading
import time
from collections.abc import Sequence

import pytest
from mlflow.entities import Metric

from tg_mlflow.recording.metric_writer import MetricWriter

WAIT_SECONDS = 30


def make_metrics(count: int) -> list[Metric]:
    return [Metric("loss", step / 2, 7, step) for step in range(count)]


def test_what_has_waited_for_a_slow_server_is_not_gathered_any_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(batch: Sequence[Metric]) -> None:
        batches.append((len(batch), time.monotonic()))
        begun.set()
        assert released.wait(WAIT_SECONDS)

    def refuse(metric: Metric, answer: Exception) -> None:
        raise answer

    gather_seconds = 1.5
    monkeypatch.setattr("tg_mlflow.recording.metric_writer._GATHER_SECONDS", gather_seconds)
    batches: list[tuple[int, float]] = []
    begun, released, ended = threading.Event(), threading.Event(), threading.Event()
    with MetricWriter(write, refuse, lambda position: ended.set() if position == 2 else None) as writer:
        writer.add(make_metrics(1000), 1)
        assert begun.wait(WAIT_SECONDS)
        added = time.monotonic()
        writer.add(make_metrics(1), 2)
        while time.monotonic() < added + gather_seconds:
            time.sleep(0.01)
        released.set()
        assert ended.wait(WAIT_SECONDS)
    assert [count for count, _ in batches] == [1000, 1]
    assert batches[1][1] - added < gather_seconds + 1


def test_positions_are_noted_when_all_before_them_is_written() -> None:
    noted: list[int | None] = []
    sizes: list[int] = []

    def refuse(metric: Metric, answer: Exception) -> None:
        raise answer

    writer = MetricWriter(lambda batch: sizes.append(len(batch)), refuse, noted.append)
    writer.add(make_metrics(1500), 1)
    writer.add(make_metrics(700), 2)
    writer.add(make_metrics(1), 3)
    with writer:
        pass
    assert sizes == [1000, 1000, 201]
    assert noted == [None, 1, 3]


def test_a_metric_of_which_there_is_very_much_does_not_hold_up_the_others() -> None:
    noted: list[int | None] = []
    batches: list[list[str]] = []

    def refuse(metric: Metric, answer: Exception) -> None:
        raise answer

    def write(batch: Sequence[Metric]) -> None:
        batches.append([f"{metric.key}{metric.step}" for metric in batch])

    writer = MetricWriter(write, refuse, noted.append)
    writer.add([Metric("flood", 0.5, 7, step) for step in range(2500)], 1)
    writer.add([Metric("slow", 0.5, 7, 0), Metric("other", 0.5, 7, 0)], 2)
    writer.add([Metric("flood", 0.5, 7, 2500)], 3)
    with writer:
        pass
    assert [len(batch) for batch in batches] == [1000, 1000, 503]
    assert {"slow0", "other0"} < set(batches[0])
    flood = [word for batch in batches for word in batch if word.startswith("flood")]
    assert flood == [f"flood{step}" for step in range(2501)]
    assert noted == [None, None, 3]


def test_a_batch_is_shared_by_more_metrics_than_it_holds() -> None:
    batches: list[list[str]] = []

    def refuse(metric: Metric, answer: Exception) -> None:
        raise answer

    writer = MetricWriter(lambda batch: batches.append([each.key for each in batch]), refuse, lambda position: None)
    for step in range(2):
        writer.add([Metric(str(number), 0.5, 7, step) for number in range(1300)], step)
    with writer:
        pass
    assert [len(batch) for batch in batches] == [1000, 1000, 600]
    assert set(batches[0]) == {str(number) for number in range(1000)}
    assert set(batches[1]) == {str(number) for number in (*range(1000, 1300), *range(700))}
