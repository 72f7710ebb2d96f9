from pathlib import Path
from typing import Any

import pytest

from tg.common import DatasetError, TaskDefinitionError
from tg.common.delivery.delivery import Containering, DependencyList, Packaging
from tg.common.delivery.sagemaker import (
    LogEvent,
    SagemakerAttachedExecutor,
    SagemakerConfig,
    SagemakerJob,
    SagemakerOptions,
)
from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment


class Task(AbstractTrainingTask):
    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.log(f"data: {None if data is None else Path(data).read_text()}")
        environment.output_metric("loss", 0.25, step=4)
        environment.store_artifact(["runs", 0], "model", "a model")


def make_config(folder: Path, dataset: str | None) -> SagemakerConfig:
    job = SagemakerJob(Task())
    packaging = Packaging("Task", "0", {"job": job})
    packaging.dependencies = [DependencyList("training", ["pandas"])]
    options = SagemakerOptions(None, None, "project", folder, dataset)
    return SagemakerConfig(job, packaging, Containering.from_packaging(packaging), options)


def test_the_result_is_in_memory_and_the_task_gets_the_datasets_path(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "data.txt").write_text("some rows")
    events: list[LogEvent] = []
    result = SagemakerAttachedExecutor(make_config(tmp_path, "data.txt"), events.append).execute()
    assert result == {"metrics": {"loss": 0.25}, "runs": {0: {"model": "a model"}}}
    assert [event.data for event in events] == [b"data: some rows\n", b"###METRIC###loss:0.25###step:4###\n"]
    assert 1_700_000_000_000 < events[0].time_ms <= events[1].time_ms


def test_metrics_are_printed_as_in_the_source_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SagemakerAttachedExecutor(make_config(tmp_path, None)).execute()
    assert [line.partition(" INFO: ")[2] for line in capsys.readouterr().out.splitlines()] == [
        "data: None",
        "###loss:0.25",
    ]


def test_a_missing_dataset_is_noticed_before_training(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"dataset 'data\.txt' is not in"):
        SagemakerAttachedExecutor(make_config(tmp_path, "data.txt")).execute()


def test_what_a_task_raises_comes_through(tmp_path: Path) -> None:
    class Failing(Task):
        def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
            raise LookupError("as it is")

    config = make_config(tmp_path, None)
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
