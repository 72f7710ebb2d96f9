"""What a task that trains in this process calls of MLflow is of its training's run."""

import os
from collections.abc import Iterator

import mlflow
import pytest
import sklearn.metrics
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

from tests.support import all_runs
from tg.common.delivery.delivery.package.pickling import dump_renamed_pickle, load_pickle
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.training.active_run import active_run


@pytest.fixture
def client(store: MlflowClient) -> TrackingClient:
    return TrackingClient(store.tracking_uri)


@pytest.fixture
def run_id(store: MlflowClient) -> str:
    return str(store.create_run(os.environ["MLFLOW_EXPERIMENT_ID"]).info.run_id)


@pytest.fixture(autouse=True)
def no_run_is_left() -> Iterator[None]:
    yield
    assert mlflow.active_run() is None


def test_calls_without_a_run_are_of_the_trainings(store: MlflowClient, client: TrackingClient, run_id: str) -> None:
    before = dict(os.environ)
    with active_run(client, run_id):
        mlflow.log_metric("loss", 0.5)
        mlflow.log_param("C", 1)
        assert mlflow.active_run().info.run_id == run_id
    (run,) = all_runs(store)
    assert (run.data.metrics, run.data.params, run.info.status) == ({"loss": 0.5}, {"C": "1"}, "RUNNING")
    assert dict(os.environ) == before


def test_a_run_that_the_task_starts_is_the_trainings_and_goes_on_until_that_ends(
    store: MlflowClient, client: TrackingClient, run_id: str
) -> None:
    with active_run(client, run_id):
        with mlflow.start_run(run_name="mine"):
            mlflow.log_metric("loss", 0.5)
            with mlflow.start_run(nested=True, run_name="inner"):
                mlflow.log_metric("loss", 0.25)
        assert store.get_run(run_id).info.status == "FINISHED"
    runs = {run.info.run_name: run for run in all_runs(store)}
    assert {name: run.data.metrics for name, run in runs.items()} == {"mine": {"loss": 0.5}, "inner": {"loss": 0.25}}
    assert (runs["mine"].info.run_id, runs["mine"].info.status) == (run_id, "RUNNING")
    assert runs["inner"].data.tags["mlflow.parentRunId"] == run_id


def test_an_error_of_the_task_leaves_the_run_to_its_launcher(
    store: MlflowClient, client: TrackingClient, run_id: str
) -> None:
    with pytest.raises(ZeroDivisionError), active_run(client, run_id), mlflow.start_run():
        raise ZeroDivisionError
    assert store.get_run(run_id).info.status == "RUNNING"


def test_what_surrounds_the_launcher_is_untouched(store: MlflowClient, client: TrackingClient, run_id: str) -> None:
    with mlflow.start_run() as outer:
        with active_run(client, run_id):
            mlflow.log_metric("loss", 0.5)
        assert mlflow.active_run().info.run_id == outer.info.run_id
        mlflow.log_metric("auc", 0.9)
    assert store.get_run(run_id).data.metrics == {"loss": 0.5}
    assert store.get_run(outer.info.run_id).data.metrics == {"auc": 0.9}
    assert store.get_run(outer.info.run_id).info.status == "FINISHED"


def test_what_the_launcher_fits_afterwards_is_not_logged(
    store: MlflowClient, client: TrackingClient, run_id: str
) -> None:
    def fit(C: float) -> None:
        LogisticRegression(C=C).fit([[0.0], [1.0]], [0, 1])

    with active_run(client, run_id):
        mlflow.sklearn.autolog(log_models=False, log_input_examples=False, log_model_signatures=False)
        fit(0.5)
    fit(0.25)
    (run,) = all_runs(store)
    assert run.data.params["C"] == "0.5"
    content, _ = dump_renamed_pickle(sklearn.metrics.roc_auc_score, lambda name: name)  # which is watched now
    assert load_pickle(content) is sklearn.metrics._ranking.roc_auc_score
