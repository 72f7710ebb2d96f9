"""Trainings that use MLflow in a job's own process, as places start it."""

from pathlib import Path
from typing import Any

import mlflow
import pytest

from tests.common.delivery.sagemaker.mlflow_store.mlflow_task import Task
from tests.deliveries import build_delivery
from tg.common.delivery.sagemaker import JobStatus, SagemakerProcessExecutor
from tg.common.delivery.sagemaker.contract.mlflow_lines import MARKER
from tg.common.delivery.sagemaker.contract.record_lines import RecordLineParser

pytestmark = [pytest.mark.starts_process, pytest.mark.usefixtures("jobs")]

RUN = "0123456789abcdef0123456789abcdef"


class Job:
    """A training, and what it has written and recorded."""

    def __init__(self, what: str, folder: Path, **environment: str) -> None:
        given = {"TG_RUN_ID": RUN, "TG_EXPERIMENT": "ours", **environment}
        self.executor = SagemakerProcessExecutor(build_delivery(Task(what), folder, environment=given))
        self.id = self.executor.submit()

    def read(self) -> tuple[str, list[dict[str, Any]]]:
        parser = RecordLineParser(MARKER)
        found = [*(parser.feed(event.data) for event in self.executor.logs(self.id)), parser.finish()]
        records = [record for _, part in found for record in part]
        assert parser.unreadable_count == 0
        assert [each.number for each in records] == list(range(1, len(records) + 1))
        return b"".join(text for text, _ in found).decode(), [each.content for each in records]


def test_each_change_is_in_the_log_and_the_artifacts_are_in_the_archive(tmp_path: Path) -> None:
    job = Job("record", tmp_path)
    text, records = job.read()
    assert job.executor.status(job.id).status is JobStatus.COMPLETED
    assert f"active {RUN}\n" in text
    assert "read {'alpha': '0.5'} {'fork': 1.0, 'loss': 0.25, 'spawn': 1.0, 'thread': 1.0}\n" in text
    assert "word" not in str(records)
    runs = {each["name"]: each for each in records if each["op"] == "run"}
    assert list(runs) == ["child", "script", "left open"]
    child, script, left = (runs[name]["run"] for name in runs)
    assert runs["child"]["tags"]["mlflow.parentRunId"] == RUN

    def describe(record: dict[str, Any]) -> Any:
        if record["op"] == "batch":
            return record["run"], record["params"], [[key, value, step] for key, value, _, step in record["metrics"]]
        if record["op"] == "run_info":
            return record["run"], record["status"]
        return record["op"] if record["op"] in ("begin", "run") else record

    assert [describe(each) for each in records] == [
        "begin",
        {"op": "note", "text": "the tracking server 'http://localhost' is not used: a job records into its run"},
        {"op": "note", "text": "the experiment 'theirs' is not used: a job records in that of its run, 'ours'"},
        (RUN, "RUNNING"),
        (RUN, [["alpha", "0.5"]], []),
        (RUN, [], [["loss", 0.25, 3]]),
        "run",
        (child, [], [["loss", 0.125, 0]]),
        (child, "FINISHED"),
        {"op": "file", "run": RUN, "model": None, "path": "sub/notes.txt", "data": "aGVsbG8="},
        (RUN, [], [["fork", 1.0, 0]]),
        (RUN, [], [["spawn", 1.0, 0]]),
        (RUN, [], [["thread", 1.0, 0]]),
        (RUN, "FINISHED"),
        "run",
        (script, [], [["in_script", 4.0, 0]]),
        {"op": "note", "text": "the tracking server './mlruns' is not used: a job records into its run"},
        "run",
        (left, "FINISHED"),
    ]
    with job.executor.load_result(job.id) as archive:
        names = {name for name in archive.list() if name.startswith("tg_mlflow/")}
    assert {name for name in names if "." in name} == {
        f"tg_mlflow/runs/{RUN}/large.bin",
        f"tg_mlflow/runs/{RUN}/sub/notes.txt",
    }


def test_a_logged_model_is_recorded_registered_and_in_the_archive(tmp_path: Path) -> None:
    job = Job("log a model", tmp_path)
    text, records = job.read()
    assert "predicts 42\n" in text
    assert "predicts 8\n" in text
    (model,) = (each for each in records if each["op"] == "model")
    assert (model["name"], model["run"]) == ("doubling", RUN)
    (status,) = (each for each in records if each["op"] == "model_status")
    assert (status["model"], status["status"]) == (model["model"], "READY")
    assert {"op": "outputs", "run": RUN, "models": [[model["model"], 0]]} in records
    assert [each for each in records if each["op"] in ("register", "note")] == [
        {
            "op": "register",
            "name": "doubles",
            "source": f"models:/{model['model']}",
            "run": RUN,
            "model": model["model"],
            "version": "1",
            "tags": {},
            "description": None,
        },
        {
            "op": "note",
            "text": "of the model registry, only new versions are recorded; change stages, aliases and tags afterwards",
        },
    ]
    with job.executor.load_result(job.id) as archive:
        assert f"tg_mlflow/models/{model['model']}/MLmodel" in archive.list()


def test_a_training_that_fails_leaves_nothing_unsaid(tmp_path: Path) -> None:
    job = Job("fail", tmp_path)
    text, records = job.read()
    assert "Job has failed: ValueError: no luck" in text
    assert [each["metrics"][0][0] for each in records if each["op"] == "batch"] == ["last"]
    assert [each["status"] for each in records if each["op"] == "run_info"] == ["RUNNING", "FAILED", "FAILED"]
    (child,) = (each["run"] for each in records if each["op"] == "run")
    assert [each for each in records if each["op"] == "file"] == [
        {"op": "file", "run": child, "model": None, "path": "all/deep/a.txt", "data": "aGVsbG8="}
    ]


def test_a_training_that_is_stopped_leaves_nothing_unsaid(tmp_path: Path) -> None:
    job = Job("wait", tmp_path)
    assert next(event for event in job.executor.logs(job.id) if b"waiting" in event.data)
    job.executor.cancel(job.id)
    _, records = job.read()
    assert [each["metrics"][0][0] for each in records if each["op"] == "batch"] == ["last"]
    assert [each["status"] for each in records if each["op"] == "run_info"] == ["RUNNING", "FAILED"]


def test_a_job_that_has_a_tracking_server_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = (tmp_path / "theirs").as_uri()
    job = Job("fail", tmp_path, MLFLOW_TRACKING_URI=store, MLFLOW_ALLOW_FILE_STORE="true")
    text, records = job.read()
    assert "Job has failed: ValueError: no luck" in text
    assert records == []
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    assert len(mlflow.MlflowClient(store).search_runs(["0"])) == 2
