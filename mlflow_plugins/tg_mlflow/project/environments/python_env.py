"""Reads ``python_env.yaml``, MLflow's own kind."""

from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from tg.common.errors import suggestion
from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environments.declaration import Declaration
from tg_mlflow.project.environments.text_files import read_mapping, read_texts

_KEYS = ("python", "build_dependencies", "dependencies")


def read_python_env(path: Path) -> Declaration:
    """Reads a ``python_env.yaml``.

    Raises:
        ProjectError: If it cannot be read, or has another form.
    """
    content = read_mapping(path)
    for key in content:
        if key not in _KEYS:
            raise ProjectError(f"{path} has the unknown key {key!r}; {suggestion(key, _KEYS)}")
    lines = [*read_texts(path, content, "build_dependencies"), *read_texts(path, content, "dependencies")]
    return Declaration(path, python=_read_python(path, content.get("python")), lines=tuple(lines))


def _read_python(path: Path, text: object) -> str | None:
    if not text:
        return None
    specifier = str(text) if str(text)[0] in "=<>!~" else f"=={text}"
    try:
        SpecifierSet(specifier)
    except InvalidSpecifier as error:
        raise ProjectError(f"{path} has python: {text!r}; give a version, such as 3.12") from error
    return specifier
