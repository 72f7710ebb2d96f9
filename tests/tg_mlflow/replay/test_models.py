"""Logged models of a job, and what its runs use and make."""

import json
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel

from tests.tg_mlflow.replay.conftest import Record

LOCAL, OTHER, CHILD = f"m-{'a' * 32}", f"m-{'b' * 32}", "c" * 32


def models_of(store: MlflowClient, run_id: str) -> dict[str, LoggedModel]:
    models = store.search_logged_models([store.get_run(run_id).info.experiment_id])
    return {model.name: model for model in models}


def create(local_id: str, run: str | None, name: str, **more: Any) -> dict[str, Any]:
    return {"op": "model", "model": local_id, "run": run, "name": name, "tags": {}, "params": {}, "type": None} | more


def test_a_model_has_its_params_tags_and_metrics_and_waits_for_its_files(
    store: MlflowClient, run_id: str, record: Record
) -> None:
    for _ in range(2):  # whoever comes later makes nothing twice
        record(
            create(LOCAL, run_id, "forest", params={"depth": "3"}, tags={"mlflow.user": "root", "of": f"{LOCAL}/x"}),
            {"op": "model_params", "model": LOCAL, "params": {"trees": "10"}},
            {"op": "model_tags", "model": LOCAL, "tags": {"kind": "big", "passing": "1"}},
            {"op": "delete_model_tag", "model": LOCAL, "key": "passing"},
            {"op": "batch", "run": run_id, "metrics": [["auc", 0.75, 5, 2, LOCAL, "points", "abc"]]},
            {"op": "model_status", "model": LOCAL, "status": "READY"},
            {"op": "outputs", "run": run_id, "models": [[LOCAL, 2]]},
        )
    ((name, model),) = models_of(store, run_id).items()
    (metric,) = model.metrics
    assert (name, str(model.status), model.source_run_id) == ("forest", "PENDING", run_id)
    assert model.params == {"depth": "3", "trees": "10"}
    tags = {key: value for key, value in model.tags.items() if not key.startswith("tg.")}
    assert tags == {
        "of": f"{LOCAL}/x",  # its own id was not known yet
        "kind": "big",
        "mlflow.user": "ada",
        "mlflow.source.name": "https://example.org/project",
    }
    assert (metric.key, metric.value, metric.step, metric.dataset_name) == ("auc", 0.75, 2, "points")
    run = store.get_run(run_id)
    assert [(each.model_id, each.step) for each in run.outputs.model_outputs] == [(model.model_id, 2)]
    assert run.data.metrics == {"auc": 0.75}
    assert "tg.mlflow_notes" not in run.data.tags


def test_a_model_that_has_failed_or_has_its_files_elsewhere_is_settled_at_once(
    store: MlflowClient, run_id: str, record: Record
) -> None:
    record(
        create(LOCAL, run_id, "failed"),
        {"op": "model_status", "model": LOCAL, "status": "FAILED"},
        create(OTHER, None, "elsewhere", tags={"mlflow.model.isExternal": "true"}),
        {"op": "model_status", "model": OTHER, "status": "READY"},
    )
    models = models_of(store, run_id)
    assert {name: str(model.status) for name, model in models.items()} == {"failed": "FAILED", "elsewhere": "READY"}


def test_a_model_that_the_job_deletes_is_gone(store: MlflowClient, run_id: str, record: Record) -> None:
    for _ in range(2):
        record(create(LOCAL, run_id, "forest"), {"op": "delete_model", "model": LOCAL})
        assert models_of(store, run_id) == {}


def test_what_a_run_has_used_is_its_input_once(store: MlflowClient, run_id: str, record: Record) -> None:
    dataset = {
        "name": "points",
        "digest": "abc",
        "source_type": "local",
        "source": '{"uri": "points.csv"}',
        "schema": '{"x": "double"}',
        "profile": None,
        "tags": [["mlflow.data.context", "training"]],
    }
    for _ in range(2):
        record(
            {"op": "run", "run": CHILD, "name": "child", "start": 5, "tags": {}},
            create(LOCAL, CHILD, "forest"),
            {"op": "inputs", "run": run_id, "datasets": [dataset, dataset], "models": [LOCAL, LOCAL]},
        )
    ((_, model),) = models_of(store, run_id).items()
    inputs = store.get_run(run_id).inputs
    (used,) = inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest, used.dataset.schema) == ("points", "abc", '{"x": "double"}')
    assert [(tag.key, tag.value) for tag in used.tags] == [("mlflow.data.context", "training")]
    assert [each.model_id for each in inputs.model_inputs] == [model.model_id]


def test_what_is_to_be_registered_waits_in_the_run(store: MlflowClient, run_id: str, record: Record) -> None:
    register = {"op": "register", "version": "1", "tags": {"stage": "new"}, "description": "of today"}
    record(
        create(LOCAL, run_id, "forest"),
        {**register, "name": "trees", "source": f"models:/{LOCAL}", "run": run_id, "model": LOCAL},
        {**register, "name": "others", "source": "s3://bucket/model", "run": None, "model": None},
    )
    ((_, model),) = models_of(store, run_id).items()
    tags = store.get_run(run_id).data.tags
    assert [json.loads(tags[f"tg.register.{number}"]) for number in (1, 2)] == [
        {
            "name": "trees",
            "source": f"models:/{model.model_id}",
            "run": run_id,
            "model": model.model_id,
            "tags": {"stage": "new"},
            "description": "of today",
        },
        {
            "name": "others",
            "source": "s3://bucket/model",
            "run": None,
            "model": None,
            "tags": {"stage": "new"},
            "description": "of today",
        },
    ]


@pytest.mark.parametrize("op", ["model_tags", "model_status", "model_params", "outputs", "register"])
def test_a_model_of_which_nothing_is_known_is_told(store: MlflowClient, run_id: str, record: Record, op: str) -> None:
    more = {"status": "READY", "tags": {"a": "1"}, "params": {"a": "1"}, "name": "n", "source": "x"}
    record({"op": op, "run": run_id, "models": [[OTHER, 0]], "model": OTHER, **more})
    told = json.loads(store.get_run(run_id).data.tags["tg.mlflow_notes"])
    assert told["unreadable"]["reason"] == f"LookupError: no model '{OTHER}' is known"
