"""Experiments that are created here open in MLflow's pages for training."""

import mlflow
import pytest
from mlflow import MlflowClient

from tg_mlflow.cli.support import set_experiment
from tg_mlflow.notebook.notebook_run import find_experiment
from tg_mlflow.tracking.client import TrackingClient


@pytest.mark.parametrize("is_command", [True, False])
def test_a_new_one_is_for_model_training_and_others_stay_as_they_are(store: MlflowClient, is_command: bool) -> None:
    client = TrackingClient(store.tracking_uri)
    for name, kind in (("new", "custom_model_development"), ("new", "custom_model_development"), ("test", None)):
        found = set_experiment(name) if is_command else find_experiment(client, name)
        experiment = store.get_experiment_by_name(name)
        assert experiment is not None
        assert experiment.experiment_id == found
        assert experiment.tags.get("mlflow.experimentKind") == kind
        if is_command:
            assert mlflow.tracking.fluent._get_experiment_id() == found


def test_another_process_may_have_created_it_meanwhile(store: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client, created = TrackingClient(store.tracking_uri), store.get_experiment_by_name("test")
    assert created is not None
    answers = iter([None, created])
    monkeypatch.setattr(client, "get_experiment_by_name", lambda name: next(answers))
    assert find_experiment(client, "test") == created.experiment_id
