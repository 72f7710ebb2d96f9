"""Loads the configuration of a place from the user's keys and a project's defaults."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from mlflow.projects.utils import (
    PROJECT_BUILD_IMAGE,
    PROJECT_DOCKER_ARGS,
    PROJECT_DOCKER_AUTH,
    PROJECT_ENV_MANAGER,
    PROJECT_STORAGE_DIR,
    PROJECT_SYNCHRONOUS,
)
from pydantic import BaseModel, ValidationError

from tg.common.errors import listed, suggestion
from tg.common.secrets import SecretMask, reveal_all
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.registry import list_places
from tg_mlflow.tracking.tags import OWN_PREFIX

Config = TypeVar("Config", bound=PlaceConfig)

DEFAULTS_FILE = "tg.json"

# MLflow adds these to every backend config; they are not the user's.
_FROM_MLFLOW = {
    PROJECT_BUILD_IMAGE,
    PROJECT_DOCKER_ARGS,
    PROJECT_DOCKER_AUTH,
    PROJECT_ENV_MANAGER,
    PROJECT_STORAGE_DIR,
    PROJECT_SYNCHRONOUS,
}


def load_config(model: type[Config], folder: Path, given: Mapping[str, Any]) -> Config:
    """Loads a place's configuration.

    Args:
        model: The place's keys.
        folder: The project's folder; a ``tg.json`` in it has defaults, which may include keys of other places.
        given: The user's keys, which override the defaults; may include what MLflow adds. What a value hides, as
            pydantic's ``SecretStr`` does, is revealed, and its name is among the secrets.

    Raises:
        BackendConfigError: If a file cannot be read, a key is unknown or a value does not fit.
    """
    given, hidden = reveal_all(given)
    path = folder / DEFAULTS_FILE
    defaults = _read_defaults(path) if path.is_file() else {}
    defaults = {name: value for name, value in defaults.items() if name in model.model_fields or not _find_places(name)}
    _check(model, defaults, str(path))
    config = {**defaults, **check_config(model, given), **_read_env_manager(model, given)}
    try:
        loaded = model.model_validate(config)
    except ValidationError as error:
        raise BackendConfigError(f"the configuration cannot be used: {describe_problem(error)}") from None
    # Hyperparameters and the like are known by the users' names.
    names = [re.sub(r"^(?:environment|hyperparameters|sweep|tags)\.", "", name) for name in hidden]
    return loaded.model_copy(update={"secrets": [*loaded.secrets, *names]}) if names else loaded


def _read_env_manager(model: type[PlaceConfig], given: Mapping[str, Any]) -> dict[str, Any]:
    """Reads ``--env-manager local`` of ``mlflow run``, where a place has a choice."""
    is_local = given.get(PROJECT_ENV_MANAGER) == "local" and "env_manager" in model.model_fields
    return {"env_manager": "local"} if is_local else {}


def describe_problem(error: ValidationError) -> str:
    """Writes the first problem of a configuration in one line, without the value, which may be secret."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    return f"{key}: {_describe(problem)}" if key else _describe(problem)


def check_config(model: type[PlaceConfig], given: Mapping[str, Any]) -> dict[str, Any]:
    """Checks the user's keys of a place's configuration.

    Returns:
        It, without what MLflow adds.

    Raises:
        BackendConfigError: If a key is unknown or a value does not fit.
    """
    own = {name: value for name, value in given.items() if name not in _FROM_MLFLOW}
    _check(model, own, "the backend config")
    return own


def _read_defaults(path: Path) -> dict[str, Any]:
    try:
        defaults = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BackendConfigError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(defaults, dict):
        raise BackendConfigError(f"{path} holds a {type(defaults).__name__}; give an object with keys and values")
    return defaults


def _check(model: type[PlaceConfig], values: Mapping[str, Any], source: str) -> None:
    tags = values.get("tags")
    if own := [name for name in tags if str(name).startswith(OWN_PREFIX)] if isinstance(tags, Mapping) else []:
        raise BackendConfigError(f"{source} has the tag {own[0]!r}, which is for tg-mlflow alone; rename it")
    try:
        model.model_validate(dict(values))
    except ValidationError as error:
        problem = next((each for each in error.errors() if not _is_of_the_whole(each)), None)
        if problem is None:
            return
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden" and _find_places(key):
            message = f"{source} has the key {key!r}, which is for {', '.join(_find_places(key))}; remove it"
        elif problem["type"] == "extra_forbidden":
            message = f"{source} has the unknown key {key!r}; {_suggest(model, problem['loc'])}"
        else:
            value = SecretMask().mask_named({key: json.dumps(problem["input"], default=str)})[key]
            message = f"{source} has {key!r} = {value}: {_describe(problem)}"
        raise BackendConfigError(message) from None  # pydantic's error has the whole value, which may be secret


def _suggest(model: type[BaseModel], path: Sequence[int | str]) -> str:
    """Suggests a key of the level at which an unknown one stands."""
    *parents, name = path
    level: type[BaseModel] | None = model
    for parent in parents:
        field = None if level is None else level.model_fields.get(str(parent))
        level = None if field is None else _find_section(field.annotation)
    if level is None:
        return "remove it"
    advice = suggestion(str(name), level.model_fields)
    is_guess = bool(parents) and advice.endswith("?")
    return f"{advice} {'.'.join(map(str, parents))!r} has {listed(level.model_fields)}" if is_guess else advice


def _find_section(annotation: Any) -> type[BaseModel] | None:
    """Returns the group of keys in an annotation such as ``BuildConfig | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_find_section, get_args(annotation))), None)


def _describe(problem: Mapping[str, Any]) -> str:
    return str(problem["msg"]).removeprefix("Value error, ")


def _is_of_the_whole(problem: Mapping[str, Any]) -> bool:
    """Whether only all keys together can have a problem: another source may give what is missing in one."""
    return not problem["loc"] or (problem["type"] == "missing" and len(problem["loc"]) == 1)


def _find_places(key: str) -> list[str]:
    """Returns the names of the places that know a key."""
    return [name for name, place in list_places().items() if key in place.config_model.model_fields]
