"""Runs that a job starts besides its training's own."""

import json
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException

from tests.job_output import open_recorder, write_lines
from tests.memory_server import FakeClock
from tests.tg_mlflow.replay.conftest import Record
from tg.common.delivery.sagemaker import LogEvent
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.lifecycle import ending_run

CHILD, GRANDCHILD = "c" * 32, "d" * 32


def children_of(store: MlflowClient, run_id: str) -> dict[str, Run]:
    """The further runs, by their names."""
    runs = store.search_runs([store.get_run(run_id).info.experiment_id], run_view_type=ViewType.ALL)
    return {run.info.run_name: run for run in runs if run.info.run_id != run_id}


def start(local_id: str, name: str, **tags: str) -> dict[str, Any]:
    return {
        "op": "run",
        "run": local_id,
        "name": name,
        "start": 5,
        "user": "root",
        "tags": {"mlflow.user": "root"} | tags,
    }


def end(local_id: str, status: str = "FINISHED", time_ms: int = 9) -> dict[str, Any]:
    return {"op": "run_info", "run": local_id, "status": status, "end": time_ms, "name": None}


def test_nested_runs_are_children_as_in_the_job(store: MlflowClient, run_id: str, record: Record) -> None:
    record(
        {"op": "begin", "run": run_id},
        start(CHILD, "fold 1", **{"mlflow.source.name": "file:///tmp/copy", "mlflow.project.entryPoint": "step"}),
        {"op": "batch", "run": CHILD, "metrics": [["loss", 0.25, 6, 1]], "params": [["C", "1"]]},
        start(GRANDCHILD, "inner", **{"mlflow.parentRunId": CHILD, "seen": f"run {CHILD} and {'e' * 32}"}),
        {"op": "batch", "run": GRANDCHILD, "metrics": [["loss", 0.125, 7, 1]]},
        end(GRANDCHILD, "FAILED"),
        end(CHILD),
        {"op": "batch", "run": run_id, "params": [["best", CHILD]], "metrics": [["loss", 0.5, 8, 1]]},
    )
    runs = children_of(store, run_id)
    child, grandchild = runs["fold 1"], runs["inner"]
    assert (child.info.start_time, child.info.end_time, child.info.status) == (5, 9, "FINISHED")
    assert (child.data.metrics, child.data.params) == ({"loss": 0.25}, {"C": "1"})
    assert child.data.tags["mlflow.parentRunId"] == run_id
    assert child.data.tags["mlflow.user"] == "ada"
    assert child.data.tags["mlflow.source.name"] == "https://example.org/project"
    assert child.data.tags["mlflow.project.entryPoint"] == "step"
    assert grandchild.info.status == "FAILED"
    assert grandchild.data.tags["mlflow.parentRunId"] == child.info.run_id
    assert grandchild.data.tags["seen"] == f"run {child.info.run_id} and {'e' * 32}"
    assert store.get_run(run_id).data.params == {"best": child.info.run_id}
    assert store.get_run(run_id).data.metrics == {"loss": 0.5}


def test_another_attempt_goes_on_with_the_runs_that_have_its_names(
    store: MlflowClient, client: TrackingClient, run_id: str
) -> None:
    def attempt(number: int, *records: dict[str, Any]) -> LogEvent:
        return LogEvent(write_lines([{"op": "begin", "run": run_id}, *records]), 100 * number, attempt=number)

    def log(local_id: str, value: float, step: int, time_ms: int) -> dict[str, Any]:
        return {"op": "batch", "run": local_id, "metrics": [["loss", value, time_ms, step]]}

    first = attempt(
        1,
        *(start("1" * 32, "fold 1"), log("1" * 32, 0.5, 0, 6), end("1" * 32)),
        *(start("2" * 32, "fold 2"), log("2" * 32, 0.4, 0, 7)),
        *(start("3" * 32, "gifted-crab-7"), log("3" * 32, 0.3, 0, 8)),
    )
    second = attempt(
        2,
        *(start("4" * 32, "fold 2"), log("4" * 32, 0.4, 0, 17), log("4" * 32, 0.2, 1, 18), end("4" * 32)),
        *(start("5" * 32, "wise-owl-9"), log("5" * 32, 0.3, 0, 19), end("5" * 32)),
    )
    written = 0
    for events in ([first], [first, second], [first, second]):  # as processes that take over
        with open_recorder(client, run_id, written) as recorder:
            for event in events:
                recorder.take(event)
        written = len(first.data)
    with open_recorder(client, run_id) as recorder:
        for event in (first, second):
            recorder.take(event)
    runs = children_of(store, run_id)
    assert {name: run.info.status for name, run in runs.items()} == {
        "fold 1": "FINISHED",
        "fold 2": "FINISHED",
        "gifted-crab-7": "KILLED",
        "wise-owl-9": "FINISHED",
    }
    history = store.get_metric_history(runs["fold 2"].info.run_id, "loss")
    assert [(point.step, point.value, point.timestamp) for point in history] == [(0, 0.4, 7), (1, 0.2, 18)]


def test_from_wherever_a_log_is_read_again_it_leads_to_the_same_runs(
    store: MlflowClient, client: TrackingClient, run_id: str
) -> None:
    records = [{"op": "begin", "run": run_id}]
    for number in range(4):
        local_id = f"{number:032x}"
        records += [
            start(local_id, f"fold {number}"),
            {"op": "batch", "run": local_id, "metrics": [["loss", number / 4, 6, step] for step in range(3)]},
            {"op": "batch", "run": local_id, "params": [["fold", str(number)]]},
            end(local_id),
            {"op": "batch", "run": run_id, "metrics": [["mean", number / 8, 8, number]]},
        ]
    lines = write_lines(records).splitlines(keepends=True)
    log = b"".join(lines)
    for written, upto in ((0, 4), (0, 9), (len(b"".join(lines[:7])), 15), (len(b"".join(lines[:2])), 12), (0, 21)):
        with open_recorder(client, run_id, written) as recorder:
            for line in log.splitlines(keepends=True)[:upto]:
                recorder.take(LogEvent(line, 7))
    runs = children_of(store, run_id)
    assert sorted(runs) == ["fold 0", "fold 1", "fold 2", "fold 3"]
    for number in range(4):
        run = runs[f"fold {number}"]
        history = store.get_metric_history(run.info.run_id, "loss")
        assert [(each.value, each.step) for each in history] == [(number / 4, step) for step in range(3)]
        assert (run.data.params, run.info.status) == ({"fold": str(number)}, "FINISHED")
    history = store.get_metric_history(run_id, "mean")
    assert [(each.value, each.step) for each in history] == [(number / 8, number) for number in range(4)]
    assert "tg.mlflow_notes" not in store.get_run(run_id).data.tags


def test_a_run_whose_creation_is_not_answered_is_made_once(store: MlflowClient, run_id: str) -> None:
    class Deaf(MlflowClient):
        left = 3

        def create_run(self, *arguments: Any, **options: Any) -> Run:
            run = super().create_run(*arguments, **options) if self.left % 2 else None
            self.left -= 1
            if run is None or self.left >= 0:
                raise MlflowException("the connection broke")  # of one in two, after it was created
            return run

    class DeafClient(TrackingClient, Deaf):
        pass

    client = DeafClient(store.tracking_uri, clock=FakeClock())
    with open_recorder(client, run_id) as recorder:
        batch = {"op": "batch", "run": CHILD, "metrics": [["loss", 0.25, 6, 1]]}
        recorder.take(LogEvent(write_lines([start(CHILD, "fold 1"), batch]), 7))
    runs = children_of(store, run_id)
    assert [run.data.metrics for run in runs.values()] == [{"loss": 0.25}]


def test_a_run_that_the_job_has_deleted_is_deleted_and_takes_nothing_more(
    store: MlflowClient, run_id: str, record: Record
) -> None:
    records = [
        start(CHILD, "gone"),
        {"op": "batch", "run": CHILD, "metrics": [["loss", 0.25, 6, 1]]},
        start(GRANDCHILD, "back"),
        {"op": "delete_run", "run": GRANDCHILD},
        {"op": "delete_run", "run": CHILD},
        {"op": "restore_run", "run": GRANDCHILD},
        {"op": "delete_run", "run": run_id},
    ]
    for _ in range(2):
        record(*records)
        runs = children_of(store, run_id)
        assert {name: run.info.lifecycle_stage for name, run in runs.items()} == {"gone": "deleted", "back": "active"}
        told = json.loads(store.get_run(run_id).data.tags["tg.mlflow_notes"])
        assert told == {"notes": ["the script has deleted its run, which is kept, as it is the training's"]}
    assert store.get_run(run_id).info.lifecycle_stage == "active"


@pytest.mark.parametrize(
    ("error", "status"), [(None, "FINISHED"), (ZeroDivisionError(), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_runs_that_are_open_end_with_the_trainings(
    store: MlflowClient, client: TrackingClient, run_id: str, record: Record, error: BaseException | None, status: str
) -> None:
    record(
        start(CHILD, "open"),
        start(GRANDCHILD, "over"),
        end(GRANDCHILD, "FAILED" if error is None else "FINISHED"),
        {"op": "model", "model": f"m-{'e' * 32}", "run": CHILD, "name": "model", "tags": {}, "params": {}},
    )

    def train() -> None:
        with ending_run(client, run_id):
            if error is not None:
                raise error

    if error is None:
        train()
    else:
        with pytest.raises(type(error)):
            train()
    runs = children_of(store, run_id)
    assert store.get_run(run_id).info.status == runs["open"].info.status == status
    assert runs["over"].info.status == ("FAILED" if error is None else "FINISHED")
    (model,) = store.search_logged_models([runs["open"].info.experiment_id])
    assert str(model.status) == ("PENDING" if error is None else "FAILED")
