"""Runs that have FINISHED without all that belongs to them, as their launchers died just then."""

import json
import os
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tests.tg_mlflow.registration.test_registration import CHAMPION, Registry
from tg.common.delivery.sagemaker.job_files.process_supervisor import describe_process
from tg_mlflow.sweeps.reconciliation import complete_runs
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import launching

pytestmark = pytest.mark.usefixtures("jobs")

TAGS = {"tg.version": "0.1.0", "tg.place": "tg-process", "tg.job_id": "points-gone", "tg.state": "{}"}


@pytest.fixture
def registry(store: MlflowClient) -> Registry:
    return Registry(store)


def add_run(registry: Registry, *, tags: dict[str, str] | None = None, **rest: Any) -> str:
    """Makes a run that has FINISHED and whose model is to be registered still; its launcher is gone."""
    return registry.add_run(CHAMPION, tags={**TAGS, **(tags or {})}, **rest)


def test_models_are_registered_that_a_launcher_has_not_come_to(registry: Registry) -> None:
    single = add_run(registry)
    empty = add_run(registry, models=())
    best = registry.add_run({}, 0.75)
    registry.store.delete_tag(best, "tg.register")
    sweep = add_run(registry, auc=None, models=(), tags={"tg.sweep": "{}", "tg.best_run_id": best})
    for status in ("FAILED", "RUNNING"):
        add_run(registry, status=status)
    outcomes = complete_runs(registry.client)
    assert outcomes.keys() == {single, empty, sweep}
    assert outcomes[empty] == "FINISHED, its model is not registered: the run has no model"
    assert registry.versions().keys() == {1, 2}
    for number, run_id in registry.versions().items():
        said = outcomes[single if run_id == single else sweep]
        assert said.startswith(f"FINISHED, its model is version {number} of wine, ")
    assert registry.versions()[registry.champion() or 0] == best
    assert complete_runs(registry.client) == {}


def test_a_registry_that_does_not_take_a_model_keeps_no_other_run_from_it(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, taken = add_run(registry), add_run(registry)
    create = MlflowClient.create_model_version

    def refuse(self: MlflowClient, name: str, source: str, run_id: str, **rest: Any) -> Any:
        if run_id == refused:
            raise MlflowException("it is full")
        return create(self, name, source, run_id, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "create_model_version", refuse)
        outcomes = complete_runs(registry.client)
    assert outcomes[refused] == (
        f"FINISHED, its model is not registered yet (it is full); to try again, run `tg-mlflow attach {refused}`"
    )
    assert registry.versions() == {1: taken}
    assert complete_runs(registry.client).keys() == {refused}
    assert registry.versions() == {1: taken, 2: refused}


def test_what_is_recorded_now_or_elsewhere_is_left_alone(registry: Registry) -> None:
    held, lost = add_run(registry), add_run(registry, tags={"tg.not_uploaded": "the store is full"})
    client = TrackingClient(registry.store.tracking_uri)
    with launching(client, held):
        launcher = json.loads(registry.store.get_run(held).data.tags["tg.launcher"])
    parent = {**launcher, **describe_process(os.getppid()), "marker": None}
    registry.store.set_tag(held, "tg.launcher", json.dumps(parent))
    outcomes = complete_runs(client)
    assert outcomes[held].startswith(f"left alone: run '{held}' is recorded by process {os.getppid()} now; wait for it")
    assert outcomes[lost].startswith(f"left alone: the job of run {lost} is not on this machine, or was never started:")
    assert len(registry.store.search_model_versions("name = 'wine'")) == 0
