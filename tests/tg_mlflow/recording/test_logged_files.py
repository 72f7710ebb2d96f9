"""Files that a job logs itself are in its run while it trains."""

import json
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.job_output import open_recorder
from tg.common.delivery.sagemaker import LogEvent
from tg.common.delivery.sagemaker.contract.job_lines import format_job_lines
from tg_mlflow.tracking.client import TrackingClient

# {"columns":["a"],"data":[[1]]}
TABLE = "eyJjb2x1bW5zIjpbImEiXSwiZGF0YSI6W1sxXV19"


@pytest.fixture
def client(store: MlflowClient) -> TrackingClient:
    return TrackingClient(store.tracking_uri)


@pytest.fixture
def run_id(store: MlflowClient) -> str:
    return str(store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id)


def event(*records: dict[str, Any], **options: Any) -> LogEvent:
    lines = [line for record in records for line in format_job_lines({"op": "file", **record})]
    return LogEvent(b"before\n" + b"".join(lines) + b"after\n", 7, **options)


def names_of(store: MlflowClient, run_id: str) -> set[str]:
    return {each.path for each in store.list_artifacts(run_id)}


def test_they_are_there_before_the_job_ends(store: MlflowClient, client: TrackingClient, run_id: str) -> None:
    with open_recorder(client, run_id) as recorder:
        recorder.take(event({"path": "plots/a.txt", "data": "aGVsbG8="}, {"path": "big.bin", "is_table": False}))
        recorder.take(event({"path": "t.json", "data": TABLE, "is_table": True}))
        recorder.settle()
        assert names_of(store, run_id) == {"plots", "t.json"}
        assert recorder.tail.lines == ["before", "after", "before", "after"]
    assert Path(store.download_artifacts(run_id, "plots/a.txt")).read_text() == "hello"
    run = store.get_run(run_id)
    assert json.loads(run.data.tags["mlflow.loggedArtifacts"]) == [{"path": "t.json", "type": "table"}]
    assert store.load_table(run.info.experiment_id, "t.json", [run_id])["a"].tolist() == [1]
    assert "tg.mlflow_notes" not in run.data.tags


def test_those_of_other_machines_do_not_count(store: MlflowClient, client: TrackingClient, run_id: str) -> None:
    with open_recorder(client, run_id) as recorder:
        recorder.take(event({"path": "a.txt", "data": "aGVsbG8="}, has_metrics=False))
    assert names_of(store, run_id) == {"logs"}


def test_what_has_been_recorded_is_not_logged_again(store: MlflowClient, client: TrackingClient, run_id: str) -> None:
    first, second = event({"path": "a.txt", "data": "aGVsbG8="}), event({"path": "b.txt", "data": "aGVsbG8="})
    with open_recorder(client, run_id, written=len(first.data)) as recorder:
        recorder.take(first)
        recorder.take(second)
    assert names_of(store, run_id) == {"b.txt", "logs"}


@pytest.mark.parametrize(
    ("record", "note"),
    [
        ({"path": "../a.txt", "data": "aGVsbG8="}, "'../a.txt' is no path below a run"),
        ({"path": "a.txt", "data": "?"}, "Error"),
        ({"data": "aGVsbG8="}, "KeyError: 'path'"),
    ],
)
def test_a_damaged_one_is_noted(
    store: MlflowClient, client: TrackingClient, run_id: str, record: dict[str, Any], note: str
) -> None:
    with open_recorder(client, run_id) as recorder:
        recorder.take(event(record, {"path": "b.txt", "data": "aGVsbG8="}))
    assert names_of(store, run_id) == {"b.txt", "logs"}
    assert note in store.get_run(run_id).data.tags["tg.mlflow_notes"]


@pytest.mark.parametrize("is_here", [True, False])
def test_what_comes_at_the_end_is_missed_where_a_job_fails_whose_folder_is_not_here(
    store: MlflowClient, client: TrackingClient, run_id: str, is_here: bool
) -> None:
    with open_recorder(client, run_id) as recorder:
        recorder.take(event({"path": "big.bin", "is_table": False}))
        recorder.take(event({"path": "grown.bin"}, {"path": "shrunk.bin"}, {"path": "shrunk.bin", "data": "aGVsbG8="}))
        recorder.note_incomplete(has_logged=is_here, has_given=False)
    tags = store.get_run(run_id).data.tags
    assert tags.get("tg.missing") == (None if is_here else "big.bin, grown.bin")
    assert "tg.mlflow_notes" not in tags
