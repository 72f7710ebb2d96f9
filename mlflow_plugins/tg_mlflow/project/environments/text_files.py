"""Reads the files of a project, with one clear line for one that cannot be read."""

from pathlib import Path
from typing import Any

import yaml

from tg_mlflow.errors import ProjectError


def read_text(path: Path) -> str:
    """Reads a file of text.

    Raises:
        ProjectError: If it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ProjectError(f"there is no file {str(path)!r}; correct the path, or create it") from None
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path} is not UTF-8; save it as UTF-8") from error
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}") from error


def read_mapping(path: Path) -> dict[str, Any]:
    """Reads a YAML file of names and values, all values as texts: ``3.10`` is no number there.

    Raises:
        ProjectError: If it cannot be read, or holds something else.
    """
    try:
        content = yaml.load(read_text(path), yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise ProjectError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ProjectError(f"{path} holds a {type(content).__name__}; give names and values, such as dependencies")
    return content


def read_texts(path: Path, content: dict[str, Any], key: str) -> list[str]:
    """Returns the list of texts under a key; an absent or empty one is an empty list.

    Raises:
        ProjectError: If it is something else.
    """
    value = content.get(key) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ProjectError(f"{path} has {value!r} under {key}; give a list of requirements")
    return value


def read_toml(path: Path) -> dict[str, Any]:
    """Reads a TOML file.

    Raises:
        ProjectError: If it cannot be read, or this Python has no reader for it.
    """
    try:
        import tomllib
    except ImportError as error:
        raise ProjectError(
            f"{path} can only be read with Python 3.11 or later; declare the environment in python_env.yaml, or set "
            '"env_manager": "local"'
        ) from error
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{path} is not TOML: {error}") from error
