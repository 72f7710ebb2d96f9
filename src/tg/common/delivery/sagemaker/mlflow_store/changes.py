"""What a change of MLflow's store is as a record.

Each function has the parameters of the store's method, after what that has returned. It reads MLflow's objects by their
attributes, as versions differ in their classes.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Record = dict[str, Any]
Description = Callable[..., Record | None]


def _describe_metric(result: Any, run_id: str, metric: Any) -> Record | None:
    return _describe_batch(result, run_id, metrics=[metric])


def _describe_param(result: Any, run_id: str, param: Any) -> Record | None:
    return _describe_batch(result, run_id, params=[param])


def _describe_tag(result: Any, run_id: str, tag: Any) -> Record | None:
    return _describe_batch(result, run_id, tags=[tag])


def _describe_batch(
    result: Any, run_id: str, metrics: Iterable[Any] = (), params: Iterable[Any] = (), tags: Iterable[Any] = ()
) -> Record | None:
    changes = {
        "params": [[each.key, _text_of(each.value)] for each in params or ()],
        "tags": [[each.key, _text_of(each.value)] for each in tags or ()],
        "metrics": [_describe_point(each) for each in metrics or ()],
    }
    return {"op": "batch", "run": run_id, **changes} if any(changes.values()) else None


def _describe_point(metric: Any) -> list[Any]:
    point = [str(metric.key), _number_of(metric.value), int(metric.timestamp), int(metric.step)]
    rest = [getattr(metric, name, None) for name in ("model_id", "dataset_name", "dataset_digest")]
    return point if rest == [None, None, None] else [*point, *rest]


def _describe_run(result: Any, *_: Any, **__: Any) -> Record:
    info = result.info
    return {
        "op": "run",
        "run": info.run_id,
        "name": info.run_name or "",
        "start": info.start_time,
        "user": info.user_id or "",
        "tags": dict(result.data.tags),
    }


def _describe_run_info(
    result: Any, run_id: str, run_status: Any = None, end_time: Any = None, run_name: str | None = None
) -> Record:
    return {"op": "run_info", "run": run_id, "status": result.status, "end": result.end_time, "name": run_name or None}


def _describe_deleted_tag(result: Any, run_id: str, key: str) -> Record:
    return {"op": "delete_tag", "run": run_id, "key": key}


def _describe_deleted_run(result: Any, run_id: str) -> Record:
    return {"op": "delete_run", "run": run_id}


def _describe_restored_run(result: Any, run_id: str) -> Record:
    return {"op": "restore_run", "run": run_id}


def _describe_inputs(result: Any, run_id: str, datasets: Any = None, models: Any = None) -> Record | None:
    if not datasets and not models:
        return None
    return {
        "op": "inputs",
        "run": run_id,
        "datasets": [_describe_dataset(each) for each in datasets or ()],
        "models": [each.model_id for each in models or ()],
    }


def _describe_dataset(given: Any) -> Record:
    dataset = given.dataset
    return {
        **{name: getattr(dataset, name) for name in ("name", "digest", "source_type", "source", "schema", "profile")},
        "tags": [[each.key, _text_of(each.value)] for each in given.tags or ()],
    }


def _describe_outputs(result: Any, run_id: str, models: Any = None) -> Record:
    return {"op": "outputs", "run": run_id, "models": [[each.model_id, int(each.step)] for each in models or ()]}


def _describe_model(result: Any, *_: Any, **__: Any) -> Record:
    return {
        "op": "model",
        "model": result.model_id,
        "run": result.source_run_id,
        "name": result.name,
        "tags": dict(result.tags or {}),
        "params": dict(result.params or {}),
        "type": result.model_type,
    }


def _describe_model_status(result: Any, model_id: str, status: Any) -> Record:
    return {"op": "model_status", "model": model_id, "status": str(getattr(status, "value", status))}


def _describe_model_tags(result: Any, model_id: str, tags: Iterable[Any]) -> Record:
    return {"op": "model_tags", "model": model_id, "tags": {each.key: _text_of(each.value) for each in tags}}


def _describe_deleted_model_tag(result: Any, model_id: str, key: str) -> Record:
    return {"op": "delete_model_tag", "model": model_id, "key": key}


def _describe_model_params(result: Any, model_id: str, params: Iterable[Any]) -> Record:
    return {"op": "model_params", "model": model_id, "params": {each.key: _text_of(each.value) for each in params}}


def _describe_version(result: Any, *_: Any, **__: Any) -> Record:
    if "mlflow.prompt.is_prompt" in (result.tags or {}):
        return describe_note("prompts are not recorded: they stay in the job")
    return {
        "op": "register",
        "name": result.name,
        "source": result.source,
        "run": result.run_id or None,
        "model": getattr(result, "model_id", None),
        "version": str(result.version),
        "tags": dict(result.tags or {}),
        "description": result.description or None,
    }


def _describe_deleted_model(result: Any, model_id: str) -> Record:
    return {"op": "delete_model", "model": model_id}


def describe_note(text: str) -> Record:
    """Describes what cannot be recorded."""
    return {"op": "note", "text": text}


def _note(text: str) -> Description:
    return lambda *_, **__: describe_note(text)


def _number_of(value: Any) -> float | str:
    number = float(value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _text_of(value: Any) -> str:
    return "" if value is None else str(value)


_TRACES = _note("traces are not recorded: they stay in the job")
_EXPERIMENT = _note("a job does not change the experiment itself, such as its tags")
_REGISTRY = _note("of the model registry, only new versions are recorded; change stages, aliases and tags afterwards")

# The changes of a tracking store, by its methods. MLflow's versions have most of them.
TRACKING: Mapping[str, Description] = {
    "create_run": _describe_run,
    "update_run_info": _describe_run_info,
    "log_metric": _describe_metric,
    "log_param": _describe_param,
    "set_tag": _describe_tag,
    "log_batch": _describe_batch,
    "delete_tag": _describe_deleted_tag,
    "delete_run": _describe_deleted_run,
    "restore_run": _describe_restored_run,
    "log_inputs": _describe_inputs,
    "log_outputs": _describe_outputs,
    "create_logged_model": _describe_model,
    "finalize_logged_model": _describe_model_status,
    "set_logged_model_tags": _describe_model_tags,
    "delete_logged_model_tag": _describe_deleted_model_tag,
    "log_logged_model_params": _describe_model_params,
    "delete_logged_model": _describe_deleted_model,
    "set_experiment_tag": _EXPERIMENT,
    "delete_experiment_tag": _EXPERIMENT,
    "rename_experiment": _EXPERIMENT,
    "start_trace": _TRACES,
    "deprecated_start_trace_v2": _TRACES,
    "create_assessment": _TRACES,
}

# The changes of a model registry. A model itself is registered with its first version.
REGISTRY: Mapping[str, Description] = {
    "create_model_version": _describe_version,
    **{
        name: _REGISTRY
        for name in (
            "update_registered_model",
            "rename_registered_model",
            "delete_registered_model",
            "set_registered_model_tag",
            "delete_registered_model_tag",
            "update_model_version",
            "transition_model_version_stage",
            "delete_model_version",
            "set_model_version_tag",
            "delete_model_version_tag",
            "set_registered_model_alias",
            "delete_registered_model_alias",
        )
    },
}
