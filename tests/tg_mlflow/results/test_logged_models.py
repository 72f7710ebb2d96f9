"""Models that a training's own code logs."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import mlflow.pyfunc
import pandas as pd
import pytest
from mlflow import MlflowClient

from tests.tg_mlflow.results.ended_job import Job, build_task
from tests.tg_mlflow.results.unusual_tasks import LoggingTableTask, LoggingTask
from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder
from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
from tg_mlflow.results.artifacts import log_remains
from tg_mlflow.results.job_remains import JobRemains

pytestmark = pytest.mark.usefixtures("jobs")

PACKAGE = "Points__0"


@pytest.fixture(autouse=True)
def nothing_is_loaded() -> Iterator[None]:
    """Packages of other tests have the same name and version, and other content."""

    def forget() -> dict[str, ModuleType]:
        return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == PACKAGE}

    others = forget()
    yield
    forget()
    sys.modules.update(others)


FEATURES = pd.DataFrame({"x": [0.5, 2.0], "kind": ["a", "b"]})


def load(job: Job, name: str) -> mlflow.pyfunc.PyFuncModel:
    return mlflow.pyfunc.load_model(f"runs:/{job.run_id}/{name}")


def states_of(job: Job) -> list[tuple[str, str]]:
    return sorted((each.name, str(each.status)) for each in job.models())


def test_each_is_a_logged_model_of_the_run_which_predicts_without_the_project(
    tmp_path: Path, store: MlflowClient
) -> None:
    job = Job(tmp_path, store, LoggingTask(["model", "other one"]))
    for _ in range(2):
        run = job.log(job.dataset)
        assert "tg.missing" not in run.data.tags
        assert states_of(job) == [("model", "READY"), ("other one", "READY")]
        assert len(run.outputs.model_outputs) == 2
    assert load(job, "model").predict(FEATURES).tolist() == [1.5, 3.0]
    assert load(job, "other one").predict(FEATURES, params={"predict_method": "predict_proba"}).tolist() == [0.5, 1.0]
    assert [each.name for each in load(job, "model").metadata.get_input_schema()] == ["x", "kind"]


def test_a_name_that_the_runs_other_model_has_is_missing(tmp_path: Path, store: MlflowClient) -> None:
    task = build_task()
    job = Job(tmp_path, store, LoggingTableTask(task.data_loader, task.model_provider, task.evaluator))
    run = job.log(job.dataset, figures=False, tables=False)
    assert (run.data.tags["tg.missing"], states_of(job)) == ("model", [("model", "READY"), ("other", "READY")])
    assert load(job, "other").predict(FEATURES).tolist() == [1.5, 3.0]
    assert load(job, "model").metadata.get_input_schema() is not None


def test_what_a_training_that_fails_has_logged_is_there_too(tmp_path: Path, store: MlflowClient) -> None:
    job = Job(tmp_path, store, LoggingTask(["net"]))
    ml = MlFolder(JobFolder.find(job.job_id).ml)
    (ml.model / "completed.json").unlink()
    assert log_remains(job.client, job.run_id, JobRemains(ml))
    assert states_of(job) == [("net", "READY")]
    assert load(job, "net").predict(FEATURES).tolist() == [1.5, 3.0]
