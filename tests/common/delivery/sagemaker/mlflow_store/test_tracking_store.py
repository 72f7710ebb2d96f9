"""The job's store as MLflow's client uses it, and the exact records of what it changes."""

import json
import math
import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
    Param,
    RunStatus,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException
from mlflow.utils.file_utils import local_file_uri_to_path

from tg.common.delivery.sagemaker.mlflow_store.spool import Spool
from tg.common.delivery.sagemaker.mlflow_store.tracking_store import JobStore

RUN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TG_RUN_ID", RUN)
    monkeypatch.setenv("TG_EXPERIMENT", "It's ours")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")


class Job:
    """A store, and what it has recorded since it was last asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = JobStore(folder / "store", Spool(folder / "spool"))
        self._seen = 0

    def read(self) -> list[dict[str, Any]]:
        lines = (self.folder / "spool").read_text().splitlines()
        new, self._seen = lines[self._seen :], len(lines)
        return [json.loads(line) for line in new]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    job = Job(tmp_path)
    assert job.read() == [{"op": "begin", "format": 1, "mlflow": mlflow.__version__, "run": RUN}]
    return job


def batch(**changes: Any) -> dict[str, Any]:
    return {"op": "batch", "run": RUN, "params": [], "tags": [], "metrics": [], **changes}


def test_it_begins_with_the_run_of_the_training_in_its_experiment(job: Job) -> None:
    run = job.store.get_run(RUN)
    assert (run.info.run_id, run.info.status, run.info.experiment_id) == (RUN, "RUNNING", "0")
    assert run.info.artifact_uri == f"file://{job.folder}/store/0/{RUN}/artifacts"
    assert [each.name for each in job.store.search_experiments()] == ["It's ours"]
    assert [each.info.run_id for each in job.store.search_runs(["0"], "", ViewType.ALL)] == [RUN]
    assert job.read() == []


@pytest.mark.parametrize("name", ["a b", "a%20b", "a#b", "ü"])
def test_its_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    job = Job(tmp_path / name)
    artifacts = local_file_uri_to_path(job.store.get_run(RUN).info.artifact_uri)
    assert artifacts == str(tmp_path / name / "store" / "0" / RUN / "artifacts")
    assert Path(artifacts).is_dir()


def test_the_run_has_the_params_of_the_training_from_the_beginning(tmp_path: Path) -> None:
    params = {"alpha": "0.5", "path with space/x": "", "no:<name>?": "x"}
    (tmp_path / "params.json").write_text(json.dumps(params))
    job = Job(tmp_path)
    assert job.store.get_run(RUN).data.params == {"alpha": "0.5", "path with space/x": ""}
    job.store.log_param(RUN, Param("alpha", "0.5"))
    with pytest.raises(MlflowException, match="alpha"):
        job.store.log_param(RUN, Param("alpha", "0.6"))
    assert [each["op"] for each in job.read()] == ["begin", "batch"]


def test_a_point_that_is_logged_again_is_read_once(job: Job) -> None:
    points = [(0.5, 7, 0), (0.25, 8, 1), (math.nan, 9, 2), (0.5, 7, 0), (0.5, 8, 0), (math.nan, 9, 2), (0.25, 8, 1)]
    for value, time_ms, step in points:
        job.store.log_metric(RUN, Metric("loss", value, time_ms, step))
    found = job.store.get_metric_history(RUN, "loss")
    assert [(repr(each.value), each.timestamp, each.step) for each in found] == [
        ("0.5", 7, 0),
        ("0.25", 8, 1),
        ("nan", 9, 2),
        ("0.5", 8, 0),
    ]
    assert job.store.get_metric_history(RUN, "other") == []


def test_who_reads_while_others_write_reads_whole_values(job: Job) -> None:
    job.store.set_tag(RUN, RunTag("word", "a" * 5000))
    child = job.store.create_run("0", "me", 7, [], "child").info.run_id
    ends = threading.Event()

    def write() -> None:
        for number in range(300):
            job.store.set_tag(RUN, RunTag("word", "ab"[number % 2] * 5000))
            job.store.log_param(child, Param(f"p{number}", "value"))
        ends.set()

    writer = threading.Thread(target=write)
    writer.start()
    read = set[str]()
    while not ends.is_set():
        read.add(job.store.get_run(RUN).data.tags["word"])
        read |= set(job.store.get_run(child).data.params.values())
    writer.join()
    assert read <= {"a" * 5000, "b" * 5000, "value"}
    assert sorted(each.name for each in job.folder.iterdir()) == ["spool", "store"]


def test_another_process_opens_what_is_there(job: Job) -> None:
    job.store.log_param(RUN, Param("a", "1"))
    other = Job(job.folder)
    assert other.store.get_run(RUN).data.params == {"a": "1"}
    assert [each["op"] for each in other.read()] == ["begin", "batch"]


def open_and_log(folder: Path, number: int) -> None:
    """Opens the store of a job and logs a metric."""
    Job(folder).store.log_metric(RUN, Metric("x", number, 5, number))


@pytest.mark.starts_process
def test_processes_that_open_it_at_once_make_one_store(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, multiprocessing.get_context("fork")) as workers:
        list(workers.map(open_and_log, [tmp_path] * 4, range(4)))
    job = Job(tmp_path)
    begin, *changes = job.read()
    assert begin["op"] == "begin"
    assert sorted(each["metrics"][0][3] for each in changes) == [0, 1, 2, 3]
    assert len(job.store.get_metric_history(RUN, "x")) == 4


def test_a_start_that_was_interrupted_begins_anew(job: Job) -> None:
    (job.folder / "spool").unlink()
    again = Job(job.folder)
    assert [each["op"] for each in again.read()] == ["begin"]
    assert [each.info.run_id for each in again.store.search_runs(["0"], "", ViewType.ALL)] == [RUN]


def test_metrics_params_and_tags(job: Job) -> None:
    job.store.log_metric(RUN, Metric("loss", 0.1, 1_700_000_000_123, 3))
    job.store.log_metric(RUN, Metric("loss", math.nan, 5, 4))
    job.store.log_param(RUN, Param("path", "C:\\#1"))
    job.store.set_tag(RUN, RunTag("note", "ü\n"))
    job.store.log_batch(RUN, [Metric("x", math.inf, 5, 0), Metric("x", -math.inf, 6, 1)], [Param("b", "2")], [])
    job.store.log_batch(RUN, [], [], [RunTag("c", "")])
    job.store.log_batch(RUN, [], [], [])
    job.store.delete_tag(RUN, "note")
    assert job.read() == [
        batch(metrics=[["loss", 0.1, 1_700_000_000_123, 3]]),
        batch(metrics=[["loss", "NaN", 5, 4]]),
        batch(params=[["path", "C:\\#1"]]),
        batch(tags=[["note", "ü\n"]]),
        batch(metrics=[["x", "Infinity", 5, 0], ["x", "-Infinity", 6, 1]], params=[["b", "2"]]),
        batch(tags=[["c", ""]]),
        {"op": "delete_tag", "run": RUN, "key": "note"},
    ]


def test_a_further_run(job: Job) -> None:
    child = job.store.create_run("0", "me", 7, [RunTag("mlflow.parentRunId", RUN)], "first").info.run_id
    job.store.update_run_info(child, RunStatus.FINISHED, 9, None)
    job.store.update_run_info(child, None, None, "renamed")
    job.store.delete_run(child)
    job.store.restore_run(child)
    tags = {"mlflow.parentRunId": RUN, "mlflow.runName": "first"}
    assert job.read() == [
        {"op": "run", "run": child, "name": "first", "start": 7, "user": "me", "tags": tags},
        {"op": "run_info", "run": child, "status": "FINISHED", "end": 9, "name": None},
        {"op": "run_info", "run": child, "status": "FINISHED", "end": 9, "name": "renamed"},
        {"op": "delete_run", "run": child},
        {"op": "restore_run", "run": child},
    ]
    assert job.store.get_run(child).info.run_name == "renamed"


def test_inputs_models_and_what_is_measured_of_them(job: Job) -> None:
    dataset = Dataset("points", "d1", "local", "{}", schema="{}", profile=None)
    job.store.log_inputs(RUN, [DatasetInput(dataset, [InputTag("mlflow.data.context", "train")])])
    parameters, tags = [LoggedModelParameter("C", "1")], [LoggedModelTag("k", "v")]
    model = job.store.create_logged_model("0", "net", RUN, tags, parameters, "agent").model_id
    job.store.log_outputs(RUN, [LoggedModelOutput(model, 4)])
    job.store.log_metric(RUN, Metric("auc", 0.9, 5, 1, model_id=model, dataset_name="points", dataset_digest="d1"))
    job.store.set_logged_model_tags(model, [LoggedModelTag("m", "n")])
    job.store.delete_logged_model_tag(model, "m")
    job.store.log_logged_model_params(model, [LoggedModelParameter("D", "2")])
    job.store.finalize_logged_model(model, LoggedModelStatus.READY)
    job.store.log_inputs(RUN, None, [LoggedModelInput(model)])
    job.store.log_inputs(RUN, None, None)
    job.store.delete_logged_model(model)
    fields = {"name": "points", "digest": "d1", "source_type": "local", "source": "{}", "schema": "{}", "profile": None}
    named = {"op": "model", "model": model, "run": RUN, "name": "net", "type": "agent"}
    assert job.read() == [
        {
            "op": "inputs",
            "run": RUN,
            "datasets": [{**fields, "tags": [["mlflow.data.context", "train"]]}],
            "models": [],
        },
        {**named, "tags": {"k": "v"}, "params": {"C": "1"}},
        {"op": "outputs", "run": RUN, "models": [[model, 4]]},
        batch(metrics=[["auc", 0.9, 5, 1, model, "points", "d1"]]),
        {"op": "model_tags", "model": model, "tags": {"m": "n"}},
        {"op": "delete_model_tag", "model": model, "key": "m"},
        {"op": "model_params", "model": model, "params": {"D": "2"}},
        {"op": "model_status", "model": model, "status": "READY"},
        {"op": "inputs", "run": RUN, "datasets": [], "models": [model]},
        {"op": "delete_model", "model": model},
    ]


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_who_reads_what_another_is_making_waits_for_it(job: Job, kind: str) -> None:
    dataset = Dataset("points", "d1", "local", "{}", schema="{}", profile=None)
    job.store.log_inputs(RUN, [DatasetInput(dataset, [])])
    model = job.store.create_logged_model("0", "net", RUN, [], [], None).model_id
    job.store.log_outputs(RUN, [LoggedModelOutput(model, 4)])
    (file,) = job.folder.glob(f"store/0/{RUN}/{kind}/*/meta.yaml")
    content = file.read_text()
    file.unlink()  # the folder is made first
    writing = threading.Timer(0.05, file.write_text, [content])
    writing.start()
    run = job.store.get_run(RUN)
    writing.join()
    assert [each.dataset.name for each in run.inputs.dataset_inputs] == ["points"]
    assert [each.model_id for each in run.outputs.model_outputs] == [model]


def test_what_mlflow_refuses_is_raised_unchanged_and_not_recorded(job: Job) -> None:
    job.store.log_param(RUN, Param("a", "1"))
    job.read()
    with pytest.raises(MlflowException, match="Changing param values is not allowed"):
        job.store.log_param(RUN, Param("a", "2"))
    with pytest.raises(MlflowException, match="No tag with name: nowhere"):
        job.store.delete_tag(RUN, "nowhere")
    with pytest.raises(MlflowException, match=f"Run '{'f' * 32}' not found"):
        job.store.get_run("f" * 32)
    job.store.update_run_info(RUN, RunStatus.FINISHED, 9, None)
    job.store.delete_run(RUN)
    job.read()
    with pytest.raises(MlflowException, match="must be in 'active' lifecycle_stage"):
        job.store.log_metric(RUN, Metric("x", 1, 5, 0))
    assert job.read() == []


def test_a_change_by_another_process_is_seen(job: Job) -> None:
    other = Job(job.folder)
    assert job.store.get_run(RUN).info.end_time is None
    other.store.update_run_info(RUN, RunStatus.FAILED, 9, None)
    info = job.store.get_run(RUN).info
    assert (info.status, info.end_time) == ("FAILED", 9)


def test_what_cannot_be_described_does_not_end_the_training(
    job: Job, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tg.common.delivery.sagemaker.mlflow_store.changes._number_of", None)
    job.store.log_metric(RUN, Metric("x", 1, 5, 0))
    assert "A call of MLflow's log_metric cannot be recorded" in caplog.text
    assert job.store.get_run(RUN).data.metrics == {"x": 1}
    assert job.read() == []


def test_other_experiments_lead_to_that_of_the_training(job: Job) -> None:
    assert job.store.get_experiment_by_name("It's ours").experiment_id == "0"
    assert job.read() == []
    assert job.store.get_experiment_by_name("theirs").experiment_id == "0"
    assert job.store.create_experiment("theirs") == "0"
    assert job.store.get_experiment("17").name == "It's ours"
    assert job.store.create_run("17", "me", 7, [], "elsewhere").info.experiment_id == "0"
    assert len(job.store.search_runs(["17", "18"], "", ViewType.ALL)) == 2
    job.store.delete_experiment("0")
    assert job.store.get_experiment("0").lifecycle_stage == "active"
    notes = [each["text"] for each in job.read() if each["op"] == "note"]
    assert notes == [
        "the experiment 'theirs' is not used: a job records in that of its run, \"It's ours\"",
        "the experiment '17' is not used: a job records in that of its run, \"It's ours\"",
        "a job does not delete experiments",
    ]


def test_threads_record_each_its_own_changes(job: Job) -> None:
    def log(number: int) -> None:
        for step in range(20):
            job.store.set_tag(RUN, RunTag(f"t{number}", str(step)))

    threads = [threading.Thread(target=log, args=[number]) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    seen = [each["tags"][0] for each in job.read()]
    for number in range(4):
        assert [value for key, value in seen if key == f"t{number}"] == [str(step) for step in range(20)]
    assert len(seen) == 80
