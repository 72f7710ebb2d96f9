import os
from pathlib import Path
from typing import Any

import pytest

from tests.deliveries import build_delivery
from tg.common import DatasetError, TaskDefinitionError
from tg.common.delivery.delivery import DependencyList
from tg.common.delivery.sagemaker import (
    JobState,
    JobStatus,
    LogEvent,
    SagemakerAttachedExecutor,
    SagemakerJob,
)
from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment

pytestmark = pytest.mark.usefixtures("jobs")


class Task(AbstractTrainingTask):
    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.log(f"data: {None if data is None else Path(data).read_text()}")
        environment.output_metric("loss", 0.25, step=4)
        environment.store_artifact(["runs", 0], "model", "a model")


def test_the_result_is_in_memory_and_the_task_gets_the_datasets_path(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "data.txt").write_text("some rows")
    result = SagemakerAttachedExecutor(build_delivery(Task(), tmp_path, "data.txt")).execute()
    assert result == {"metrics": {"loss": 0.25}, "runs": {0: {"model": "a model"}}}


def test_metrics_are_printed_as_in_the_source_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SagemakerAttachedExecutor(build_delivery(Task(), tmp_path, None)).execute()
    assert [line.partition(" INFO: ")[2] for line in capsys.readouterr().out.splitlines()] == [
        "data: None",
        "###loss:0.25",
    ]


def test_a_submitted_job_has_a_log_and_an_archive_as_elsewhere(tmp_path: Path, jobs: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "data.txt").write_text("some rows")
    heard: list[LogEvent] = []
    executor = SagemakerAttachedExecutor(build_delivery(Task(), tmp_path, "data.txt"))
    job_id = executor.submit(executor.build_job_id(), heard.append)
    assert executor.status(job_id) == JobState(JobStatus.COMPLETED, 0)
    lines = b"".join(event.data for event in heard).decode().splitlines()
    assert [line.partition(" INFO: ")[2] for line in lines][-3:] == [
        "data: some rows",
        "###METRIC###loss:0.25###step:4###",
        f"Saved artifact {jobs / job_id / 'ml' / 'model' / 'runs' / '0' / 'model'}",
    ]
    assert list(executor.logs(job_id)) == heard
    with executor.load_result(job_id) as archive:
        assert archive.list() == [
            "package.tag.gz",
            "task.json",
            "package.json",
            "runs/",
            "runs/0/",
            "runs/0/model.pkl",
            "completed.json",
        ]
        assert archive.unpickle("runs/0/model.pkl") == "a model"
    executor.discard(job_id)
    assert list(jobs.iterdir()) == []


def test_a_reader_goes_on_where_another_has_stopped(tmp_path: Path) -> None:
    executor = SagemakerAttachedExecutor(build_delivery(Task(), tmp_path, None))
    job_id = executor.submit()
    whole = b"".join(event.data for event in executor.logs(job_id))
    assert b"".join(event.data for event in executor.logs(job_id, 100)) == whole[100:]
    assert list(executor.logs(job_id, len(whole))) == []


def test_a_failed_job_says_so_afterwards(tmp_path: Path) -> None:
    config = build_delivery(Task(), tmp_path, None)
    config.job.task = Failing()
    executor = SagemakerAttachedExecutor(config)
    job_id = executor.build_job_id()
    with pytest.raises(LookupError, match="as it is"):
        executor.submit(job_id)
    assert executor.status(job_id) == JobState(JobStatus.FAILED, 1, "LookupError: as it is")


class Failing(Task):
    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        raise LookupError("as it is")


class Wandering(Task):
    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        os.chdir("/")
        os.environ["HOME"] = "/nowhere"
        os.environ["NEW"] = "new"
        del os.environ["OLD"]


def test_what_a_task_does_to_this_process_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD", "old")
    monkeypatch.setenv("HOME", "/somewhere")
    config = build_delivery(Task(), tmp_path, None)
    config.job.task = Wandering()
    executor, folder = SagemakerAttachedExecutor(config), os.getcwd()
    assert executor.status(executor.submit()).status is JobStatus.COMPLETED
    assert (os.getcwd(), os.environ["OLD"], os.environ["HOME"], os.environ.get("NEW")) == (
        folder,
        "old",
        "/somewhere",
        None,
    )


def test_a_missing_dataset_is_noticed_before_training(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"dataset 'data\.txt' is not in"):
        SagemakerAttachedExecutor(build_delivery(Task(), tmp_path, "data.txt")).execute()


def test_what_a_task_raises_comes_through(tmp_path: Path) -> None:
    config = build_delivery(Task(), tmp_path, None)
    config.job.task = Failing()
    with pytest.raises(LookupError, match="as it is"):
        SagemakerAttachedExecutor(config).execute()


def test_a_job_takes_only_tasks() -> None:
    with pytest.raises(TaskDefinitionError, match="'x' is a str; give an AbstractTrainingTask"):
        SagemakerJob("x")  # type: ignore[arg-type]


def test_dependencies_are_a_list_of_texts() -> None:
    assert DependencyList("training", ["pandas", "pyarrow==20"]).dependencies == ("pandas", "pyarrow==20")
    with pytest.raises(TypeError, match="dependencies is the text 'pandas'; give a list"):
        DependencyList("training", "pandas")
