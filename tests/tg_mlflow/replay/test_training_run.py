"""What a job's code logs to the run of its training."""

import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.job_output import open_recorder, write_lines
from tests.tg_mlflow.replay.conftest import Record
from tg.common import JobFailedError, JobUnreachableError
from tg.common.delivery.sagemaker import LogEvent
from tg.common.secrets import SecretMask
from tg_mlflow.tracking.client import TrackingClient


def notes_of(store: MlflowClient, run_id: str) -> Any:
    return json.loads(store.get_run(run_id).data.tags.get("tg.mlflow_notes", "{}"))


def test_metrics_params_and_tags_are_in_the_run(store: MlflowClient, run_id: str, record: Record) -> None:
    record(
        {"op": "begin", "format": 1, "mlflow": "3.17.2", "run": run_id},
        {"op": "batch", "run": run_id, "params": [["C", "0.5"], ["solver", "lbfgs"]], "tags": [["stage", "draft"]]},
        {"op": "batch", "run": run_id, "metrics": [["loss", 0.5, 12, 3], ["loss", "NaN", 13, 4]]},
        {"op": "batch", "run": run_id, "metrics": [["loss", "-Infinity", 14, 5]], "tags": [["stage", "done"]]},
        {"op": "batch", "run": run_id, "tags": [["passing", "1"]]},
        {"op": "delete_tag", "run": run_id, "key": "passing"},
    )
    run = store.get_run(run_id)
    points = store.get_metric_history(run_id, "loss")
    assert run.data.params == {"C": "0.5", "solver": "lbfgs"}
    assert (run.data.tags["stage"], "passing" in run.data.tags) == ("done", False)
    assert [(each.step, each.timestamp) for each in points] == [(3, 12), (4, 13), (5, 14)]
    assert (points[0].value, math.isnan(points[1].value), points[2].value) == (0.5, True, -1.7976931348623157e308)
    assert notes_of(store, run_id) == {}


def test_the_lines_are_neither_shown_nor_kept(
    store: MlflowClient, client: TrackingClient, run_id: str, tmp_path: Path
) -> None:
    line = write_lines([{"op": "batch", "run": run_id, "metrics": [["loss", 0.5, 12, 3]]}])
    log = b"50%" + line + b"|60%\n###METRIC###auc:0.9###\n" + line[:9] + b"\n"
    with open_recorder(client, run_id) as recorder:
        shown = b"".join(recorder.take(LogEvent(log[at : at + 7], 7)).data for at in range(0, len(log), 7))
        assert recorder.position == len(log)
    expected = b"50%|60%\n###METRIC###auc:0.9###\n###MLFLOW\n"
    kept = Path(store.download_artifacts(run_id, "logs/train.log", str(tmp_path))).read_bytes()
    assert (shown, kept) == (expected, expected)
    assert recorder.tail.lines == ["50%|60%", "###METRIC###auc:0.9###", "###MLFLOW"]
    assert store.get_run(run_id).data.metrics == {"loss": 0.5, "auc": 0.9}


def test_what_the_launcher_knows_better_is_kept(store: MlflowClient, run_id: str, record: Record) -> None:
    tags = [
        ["mlflow.user", "root"],
        ["mlflow.source.name", "/opt/train.py"],
        ["mlflow.parentRunId", "1" * 32],
        ["tg.place", "moon"],
        ["mlflow.note.content", "mine"],
    ]
    record(
        {"op": "batch", "run": run_id, "tags": tags},
        {"op": "run_info", "run": run_id, "status": "FAILED", "end": 5, "name": "best of all"},
    )
    run = store.get_run(run_id)
    assert {key: value for key, value in run.data.tags.items() if key != "tg.mlflow_notes"} == {
        "mlflow.user": "ada",
        "mlflow.source.name": "https://example.org/project",
        "mlflow.note.content": "mine",
        "mlflow.runName": "best of all",
    }
    assert (run.info.run_name, run.info.status) == ("best of all", "RUNNING")


@pytest.mark.parametrize(
    ("statuses", "error", "notes"),
    [
        (["FAILED"], None, ["the script has ended its run as FAILED"]),
        (["RUNNING", "KILLED"], None, ["the script has ended its run as KILLED"]),
        (["FAILED", "RUNNING", "FINISHED"], None, None),
        (["FINISHED"], None, None),
        (["FAILED"], JobFailedError("job 'x' has failed"), None),
        (["FAILED"], JobUnreachableError("job 'x' goes on"), None),
    ],
)
@pytest.mark.parametrize("written", [0, 10_000])
def test_that_a_script_has_ended_its_run_as_failed_is_news_if_the_training_has_not_failed(
    store: MlflowClient,
    client: TrackingClient,
    run_id: str,
    statuses: list[str],
    error: Exception | None,
    notes: list[str] | None,
    written: int,
) -> None:
    records = [{"op": "run_info", "run": run_id, "status": each, "end": 5} for each in statuses]
    with suppress(JobFailedError, JobUnreachableError), open_recorder(client, run_id, written) as recorder:
        recorder.take(LogEvent(write_lines([{"op": "begin", "run": run_id}, *records]), 7))
        if error is not None:
            raise error
    assert notes_of(store, run_id).get("notes") == notes


def test_a_param_that_has_another_value_already_stays_and_the_rest_is_logged(
    store: MlflowClient, run_id: str, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    store.log_param(run_id, "C", "1")
    params = [["a", "1"], ["C", "2"], ["b", "2"], ["C@", "3"]]
    record({"op": "batch", "run": run_id, "params": params, "tags": [["t", "1"]]})
    run = store.get_run(run_id)
    assert run.data.params == {"C": "1", "a": "1", "b": "2"}
    assert run.data.tags["t"] == "1"
    refused = notes_of(store, run_id)["refused"]
    assert (refused["count"], refused["first"]) == (2, f"the param 'C' = '2' of run {run_id}")
    assert "Changing param values is not allowed" in refused["reason"]
    assert f"refuses the param 'C' = '2' of run {run_id} (" in caplog.text


def test_what_cannot_be_understood_is_told_and_the_rest_recorded(
    store: MlflowClient, run_id: str, record: Record
) -> None:
    record(
        {"op": "teleport", "run": run_id},
        {"op": "batch", "run": "f" * 32, "params": [["a", "1"]]},
        {"op": "batch", "run": run_id, "metrics": [["loss", "much", 1, 1]]},
        {"op": "batch", "run": run_id, "metrics": 5},
        {"run": run_id},
        {"op": "file", "run": run_id, "path": "../../a.txt", "data": "YQ=="},
        {"op": "teleport"},
        {"op": "note", "text": "experiments of one's own are not made"},
        {"op": "note", "text": "experiments of one's own are not made"},
        {"op": "batch", "run": run_id, "params": [["a", "1"]]},
    )
    assert store.get_run(run_id).data.params == {"a": "1"}
    told = notes_of(store, run_id)
    assert told["unknown"] == {"teleport": 2, "None": 1}
    assert told["notes"] == ["experiments of one's own are not made"]
    assert (told["unreadable"]["count"], told["unreadable"]["reason"]) == (
        4,
        f"LookupError: no run '{'f' * 32}' is known",
    )


def test_records_that_are_missing_are_counted(store: MlflowClient, client: TrackingClient, run_id: str) -> None:
    def batch(number: int) -> bytes:
        return write_lines([{"op": "batch", "run": run_id, "params": [[f"p{number}", "1"]]}], number)

    begin = write_lines([{"op": "begin", "run": run_id}])
    for log, missing, params in (
        (begin + batch(2) + batch(2), None, {"p2"}),
        (begin + batch(3), 1, {"p2", "p3"}),
        (begin + batch(2)[:30] + b"\n" + batch(3), 1, {"p2", "p3"}),
        # Another attempt begins anew.
        (begin + batch(2) + begin + batch(2) + batch(4), 1, {"p2", "p3", "p4"}),
    ):
        if "tg.mlflow_notes" in store.get_run(run_id).data.tags:
            store.delete_tag(run_id, "tg.mlflow_notes")
        with open_recorder(client, run_id) as recorder:
            recorder.take(LogEvent(log, 7))
        assert set(store.get_run(run_id).data.params) == params
        assert notes_of(store, run_id) == ({} if missing is None else {"missing": missing})


def test_calls_on_other_machines_than_the_first_do_not_count(
    store: MlflowClient, client: TrackingClient, run_id: str
) -> None:
    with open_recorder(client, run_id) as recorder:
        for has_metrics, value in ((True, "1"), (False, "2")):
            line = write_lines([{"op": "batch", "run": run_id, "tags": [["t", value]]}])
            shown = recorder.take(LogEvent(line, 7, has_metrics=has_metrics))
            assert shown.data == b""
    assert store.get_run(run_id).data.tags["t"] == "1"


def test_secrets_reach_neither_params_nor_tags_nor_names_nor_notes(
    store: MlflowClient, run_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = TrackingClient(store.tracking_uri, SecretMask(["hf_abcdef"]))
    records: list[dict[str, Any]] = [
        {"op": "batch", "run": run_id, "params": [["key", "hf_abcdef"]], "tags": [["url", "x?k=hf_abcdef"]]},
        {"op": "batch", "run": run_id, "params": [["bad@name", "hf_abcdef"]]},
        {"op": "run_info", "run": run_id, "status": "RUNNING", "name": "run hf_abcdef"},
        {"op": "note", "text": "not done: hf_abcdef"},
        {"op": "run", "run": "a" * 32, "name": "child hf_abcdef", "start": 1, "tags": {"t": "hf_abcdef"}},
        {"op": "batch", "run": "a" * 32, "metrics": [["loss hf_abcdef", 1, 1, 1]]},
        {"op": "model", "model": f"m-{'b' * 32}", "run": run_id, "name": "hf_abcdef", "params": {"k": "hf_abcdef"}},
        {"op": "hf_abcdef"},
    ]
    with open_recorder(client, run_id) as recorder:
        recorder.take(LogEvent(write_lines(records), 7))
    experiment = store.get_run(run_id).info.experiment_id
    runs = [run.to_dictionary() for run in store.search_runs([experiment])]
    models = [model.to_dictionary() for model in store.search_logged_models([experiment])]
    assert len(runs) == 2
    assert len(models) == 1
    assert "hf_abcdef" not in f"{runs}{models}{caplog.text}"


def test_a_small_file_is_in_the_run_while_it_is_trained(
    store: MlflowClient, run_id: str, record: Record, tmp_path: Path
) -> None:
    record(
        {"op": "file", "run": run_id, "path": "plots/a b.txt", "data": "aGVsbG8="},
        {"op": "file", "run": run_id, "path": "top.txt", "data": "dG9w"},
    )
    assert Path(store.download_artifacts(run_id, "plots/a b.txt", str(tmp_path))).read_text() == "hello"
    assert Path(store.download_artifacts(run_id, "top.txt", str(tmp_path))).read_text() == "top"
