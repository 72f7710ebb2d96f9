"""A run that the caller names gets the training, or the training does not begin."""

from typing import Any

import mlflow
import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.exceptions import ExecutionException

import tg_mlflow
from tests.support import ProjectFolder, all_runs
from tests.unrun_task import Task
from tg_mlflow.cli.main import main
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.training.creation import create_child_run

pytestmark = pytest.mark.usefixtures("jobs")


@pytest.fixture
def run_id(store: MlflowClient) -> str:
    return str(store.create_run(store.get_experiment_by_name("test").experiment_id, tags={"mine": "1"}).info.run_id)


def train(project: ProjectFolder, **options: Any) -> Any:
    return mlflow.projects.run(str(project.path), backend="tg-attached", **options)


@pytest.mark.parametrize("is_variable", [False, True])
def test_a_given_run_gets_the_training(
    project: ProjectFolder, store: MlflowClient, run_id: str, monkeypatch: pytest.MonkeyPatch, is_variable: bool
) -> None:
    if is_variable:
        monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    submitted = train(project, run_name="named", **({} if is_variable else {"run_id": run_id}))
    assert submitted.run_id == run_id
    (run,) = all_runs(store)
    assert (run.info.status, run.info.run_name, run.data.tags["mine"]) == ("FINISHED", "named", "1")
    assert (run.data.tags["tg.place"], run.data.tags["mlflow.project.backend"]) == ("tg-attached", "tg-attached")
    assert run.data.metrics["roc_auc_score_test"] == 0.9875


def test_the_argument_is_more_than_the_variable(
    project: ProjectFolder, store: MlflowClient, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "f0")
    assert train(project, run_id=run_id).run_id == run_id


def test_an_active_run_that_is_given_is_not_below_itself(project: ProjectFolder, store: MlflowClient) -> None:
    with mlflow.start_run() as active:
        train(project, run_id=active.info.run_id)
    (run,) = all_runs(store)
    assert (run.info.status, run.info.run_id) == ("FINISHED", active.info.run_id)
    assert "mlflow.parentRunId" not in run.data.tags


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda store, run_id: store.set_terminated(run_id), "takes no training, as it is FINISHED"),
        (lambda store, run_id: store.set_terminated(run_id, "KILLED"), "takes no training, as it is KILLED"),
        (lambda store, run_id: store.set_tag(run_id, "tg.job_id", "job"), "has a training already"),
        (lambda store, run_id: store.set_tag(run_id, "tg.sweep", "{}"), "has a training already"),
        (lambda store, run_id: store.delete_run(run_id), "is deleted"),
    ],
)
def test_a_run_that_takes_no_training_is_refused(
    project: ProjectFolder,
    store: MlflowClient,
    run_id: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    prepare: Any,
    reason: str,
) -> None:
    prepare(store, run_id)
    message = rf"^run '{run_id}' {reason}.*"
    with pytest.raises(ExecutionException, match=message):
        train(project, run_id=run_id)
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    with pytest.raises(RunNotOursError, match=message):
        tg_mlflow.run_tasks([Task()], "tg-attached", folder=project.path, progress=False)
    monkeypatch.chdir(project.path)
    for words in (["train", "tasks:build_task"], ["sweep", "C=1,2", "-b", "tg-attached"]):
        caplog.clear()
        assert CliRunner().invoke(main, words).exit_code == 1
        (said,) = [line for line in caplog.messages if line.startswith("===")]
        assert said.startswith(f"=== run '{run_id}' {reason}")
    store.restore_run(run_id)
    assert [run.info.run_id for run in all_runs(store)] == [run_id]


def test_commands_for_a_run_take_it_from_the_variable(
    store: MlflowClient, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    store.set_tag(run_id, "tg.version", "0.1.0")
    said = CliRunner().invoke(main, ["status"])
    assert said.output.splitlines()[0] == f"run {run_id} RUNNING"


def test_a_training_of_a_resumed_sweep_has_the_version_that_trains_it(
    store: MlflowClient, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.set_tag(run_id, "tg.version", "0.0.1")
    store.set_tag(run_id, "mlflow.source.name", "here")
    monkeypatch.setattr("tg_mlflow.training.creation.version", lambda name: "7.0")
    child = create_child_run(TrackingClient(store.tracking_uri), store.get_run(run_id), "C1")
    tags = store.get_run(child).data.tags
    assert (tags["tg.version"], tags["mlflow.source.name"]) == ("7.0", "here")
