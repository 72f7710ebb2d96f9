"""What a run's tags say of its metrics, told to a client that only keeps it."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from mlflow.entities import Metric, RunTag

from tg.common.secrets import SecretMask
from tg_mlflow.recording.metric_names import MetricNames
from tg_mlflow.recording.metric_notes import MetricNotes
from tg_mlflow.replay.said_points import SaidPoints
from tg_mlflow.tracking.client import TrackingClient


class KeepingClient:
    """Keeps tags; fails as often as it is told to."""

    def __init__(self) -> None:
        self.mask = SecretMask()
        self.batches: list[dict[str, str]] = []
        self.failures = 0

    def log_batch(self, run_id: str, tags: list[RunTag]) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("away")
        self.batches.append({tag.key: tag.value for tag in tags})

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        self.batches.append({key: value})


@pytest.fixture
def client() -> KeepingClient:
    return KeepingClient()


def make_notes(client: KeepingClient, changed: dict[str, str], *secrets: str) -> MetricNotes:
    names = cast(MetricNames, SimpleNamespace(changed=changed))
    client.mask = SecretMask(secrets)
    return MetricNotes(cast(TrackingClient, client), "run-1", names, SaidPoints())


def names_of(batch: dict[str, str]) -> dict[str, Any]:
    return {key: json.loads(text) for key, text in batch.items()}


def test_names_are_written_when_there_are_more(client: KeepingClient) -> None:
    changed: dict[str, str] = {}
    notes = make_notes(client, changed)
    notes.write()
    assert client.batches == []
    changed["a_b"] = "a@b"
    notes.write()
    notes.write()
    assert [names_of(each) for each in client.batches] == [{"tg.metric_names": {"a_b": "a@b"}}]


def test_a_tag_that_has_not_changed_is_not_written_again(client: KeepingClient) -> None:
    changed = {f"{number:04}{'_' * 90}": f"{number:04}{'@' * 90}" for number in range(50)}
    notes = make_notes(client, changed)
    notes.write()
    first = client.batches.pop()
    assert list(first) == ["tg.metric_names", "tg.metric_names.2"]
    changed["last_"] = "last@"
    notes.write()
    (second,) = client.batches
    assert list(second) == ["tg.metric_names.2"]
    assert json.loads(second["tg.metric_names.2"])["last_"] == "last@"


def test_what_was_refused_is_counted_and_the_first_is_told(
    client: KeepingClient, caplog: pytest.LogCaptureFixture
) -> None:
    notes = make_notes(client, {"a_b": "a@b"}, "hunter2")
    notes.add_refused(Metric("a_b", 0.5, 7, 3), ValueError("no hunter2 here"))
    notes.add_refused(Metric("c", 1.5, 7, 4), ValueError("no room"))
    assert notes.refused_count == 2
    notes.write()
    assert json.loads(client.batches[0]["tg.refused_metrics"]) == {
        "count": 2,
        "first": "###METRIC###a@b:0.5###step:3;time:7###",
        "reason": "no *** here",
    }
    (warning,) = caplog.messages
    assert "(no *** here); the other metrics are recorded" in warning


def test_what_could_not_be_written_is_written_the_next_time(client: KeepingClient) -> None:
    notes = make_notes(client, {"a_b": "a@b"})
    client.failures = 1
    with pytest.raises(OSError, match=r"^away$"):
        notes.write()
    notes.write()
    assert [names_of(each) for each in client.batches] == [{"tg.metric_names": {"a_b": "a@b"}}]


def test_a_line_that_cannot_be_read_is_told_in_short_and_without_secrets(client: KeepingClient) -> None:
    make_notes(client, {}, "hunter2").write_unreadable(3, f"###METRIC###hunter2:ä###{'x' * 300}")
    (told,) = client.batches
    assert json.loads(told["tg.unreadable_metrics"]) == {"count": 3, "first": f"###METRIC###***:ä###{'x' * 180}"}
