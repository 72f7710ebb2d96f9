"""What a training has recorded, item by item, such that trainings at different places can be compared."""

import math
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import yaml
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Run
from mlflow.utils.file_utils import local_file_uri_to_path

from tg_mlflow.description.writing import is_own_description

# What our backends add to the training's run, and what each backend says of itself.
OWN = re.compile(r"tg\.|mlflow\.project\.backend$")
NOTE = "mlflow.note.content"
OWN_ARTIFACTS = re.compile(r"(logs|package|result)/|(environment|task)\.json$")
# What is made by a script is from that script in plain MLflow, and from the training's project with our backends.
ORIGIN = re.compile(r"mlflow\.(source\.|project\.|user$)")
# When a model was made, and how large its files are, in which ids and times stand.
MODEL_FILE_KEYS = ("model_size_bytes", "model_uuid", "utc_time_created")
# What each model predicts something for.
CLOUDS = pd.DataFrame({"x": [-1.0, 0.5, 2.0], "y": [0.0, 0.0, 0.0]})

# What reads models imports all modules of scikit-learn, and PyTorch by way of this one.
sys.modules["sklearn.externals.array_api_compat.torch"] = None  # type: ignore[assignment]

Items = dict[str, Any]


def read_training(store: MlflowClient, run: Run) -> Items:
    """Reads all items of a training's run, of those below it, and of their logged models.

    Ids and addresses stand as what they mean: ``<run NAME>``, ``<model NAME>``, ``<artifacts of NAME>``. Left out are
    times, and what the places are known to say otherwise, which the constants of this module name.

    Args:
        store: Where it is; its artifacts are files of this machine.
        run: The training's run.

    Returns:
        Each item by its name: ``training.metric.loss``, ``depth 1.tag.kind``, ``classifier.status`` and the like.
    """
    runs = {"training": run, **_find_below(store, run, "")}
    names = {each.info.run_id: name for name, each in runs.items()}
    models = {}
    for model in store.search_logged_models([run.info.experiment_id]):
        if model.source_run_id in names:
            name = f"{model.name} of {names[model.source_run_id]}"
            assert name not in models, f"two models are called {name!r}"
            models[name] = model
    meanings = {
        **{each.info.artifact_uri: f"<artifacts of {name}>" for name, each in runs.items()},
        **{each.artifact_location: f"<artifacts of {name}>" for name, each in models.items()},
        **{each.info.run_id: f"<run {name}>" for name, each in runs.items()},
        **{each.model_id: f"<model {name}>" for name, each in models.items()},
        run.data.tags["mlflow.source.name"]: "<project>",
    }
    items: Items = {}
    for name, each in runs.items():
        items |= {f"{name}.{key}": value for key, value in _read_run(store, each)}
    for name, model in models.items():
        items |= {f"{name}.{key}": value for key, value in _read_model(model)}
    return {key: _with_meanings(value, meanings) for key, value in items.items()}


def compare(expected: Items, found: Items, but: str = "(?!)") -> str:
    """Describes how the items of two trainings differ, an item a line; empty if they do not.

    Args:
        expected: One.
        found: The other.
        but: A regular expression; names that it matches as a whole do not count.
    """
    lines = []
    for key in sorted({*expected, *found}):
        if re.fullmatch(but, key):
            continue
        if key not in found:
            lines.append(f"{key}: lost, it was {expected[key]!r:.300}")
        elif key not in expected:
            lines.append(f"{key}: added, it is {found[key]!r:.300}")
        elif expected[key] != found[key]:
            lines.append(f"{key}: {expected[key]!r:.300} became {found[key]!r:.300}")
    return "\n".join(lines)


def _find_below(store: MlflowClient, run: Run, above: str) -> dict[str, Run]:
    """Finds the runs below one, by their names, and those below these."""
    found: dict[str, Run] = {}
    for child in store.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'"):
        name = f"{above}{child.info.run_name}"
        assert name not in found, f"two runs are called {name!r}"
        found |= {name: child, **_find_below(store, child, f"{name}/")}
    return found


def _read_run(store: MlflowClient, run: Run) -> Iterator[tuple[str, Any]]:
    info, data = run.info, run.data
    yield "status", info.status
    for name, value in data.params.items():
        yield f"param.{name}", value
    is_below = "mlflow.parentRunId" in data.tags
    is_described = "tg.description" in data.tags and is_own_description(data.tags)
    for name, value in data.tags.items():
        if not OWN.match(name) and not (is_below and ORIGIN.match(name)) and not (is_described and name == NOTE):
            yield f"tag.{name}", value
    for name in data.metrics:
        if OWN.match(name):
            continue
        points = store.get_metric_history(info.run_id, name)
        assert all(info.start_time <= each.timestamp <= info.end_time for each in points), f"times of {name}"
        yield (
            f"metric.{name}",
            sorted((each.step, _number(each.value), each.model_id or "", each.dataset_name or "") for each in points),
        )
        yield f"last.{name}", _number(data.metrics[name])
    for each in run.inputs.dataset_inputs:
        tags = {tag.key: tag.value for tag in each.tags}
        yield f"input.{each.dataset.name}", {**each.dataset.to_dictionary(), **tags}
    yield "model inputs", sorted(each.model_id for each in run.inputs.model_inputs)
    yield "model outputs", sorted((each.model_id, each.step) for each in run.outputs.model_outputs)
    for path, content in _read_files(info.artifact_uri):
        if not OWN_ARTIFACTS.match(path):
            yield f"artifact.{path}", content


def _read_model(model: LoggedModel) -> Iterator[tuple[str, Any]]:
    yield "status", str(model.status)
    yield "type", model.model_type
    for name, value in model.params.items():
        yield f"param.{name}", value
    for name, value in model.tags.items():
        if not OWN.match(name) and not ORIGIN.match(name):
            yield f"tag.{name}", value
    yield (
        "metrics",
        sorted(
            (each.key, each.step, _number(each.value), each.run_id, each.dataset_name or "")
            for each in model.metrics or ()
        ),
    )
    yield "predictions", mlflow.pyfunc.load_model(model.artifact_location).predict(CLOUDS).tolist()
    for path, content in _read_files(model.artifact_location):
        if path == "MLmodel":
            described = yaml.safe_load(content)
            yield "file.flavors.python_version", described["flavors"]["python_function"].pop("python_version")
            yield from ((f"file.{key}", value) for key, value in described.items() if key not in MODEL_FILE_KEYS)
        else:
            yield f"artifact.{path}", content


def _read_files(uri: str) -> Iterator[tuple[str, str | bytes]]:
    """Reads all files below a folder, those of text as text."""
    folder = Path(local_file_uri_to_path(uri))
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            try:
                yield path.relative_to(folder).as_posix(), content.decode()
            except UnicodeDecodeError:
                yield path.relative_to(folder).as_posix(), content


def _number(value: float) -> float | str:
    return "NaN" if math.isnan(value) else value  # which is not equal to itself


def _with_meanings(value: Any, meanings: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for text, meaning in meanings.items():
            value = value.replace(text, meaning)
        return value
    if isinstance(value, dict):
        return {_with_meanings(key, meanings): _with_meanings(each, meanings) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_meanings(each, meanings) for each in value]
    return value
