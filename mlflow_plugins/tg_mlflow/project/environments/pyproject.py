"""Reads what ``pyproject.toml`` requires, or ``setup.cfg`` and ``setup.py`` where that says nothing."""

import ast
import configparser
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environments.declaration import Declaration
from tg_mlflow.project.environments.text_files import read_text, read_toml

FILE_NAME = "pyproject.toml"
_VERSION = re.compile(r"\d+(\.\d+)*")


def read_pyproject(folder: Path, extras: Iterable[str] = ()) -> Declaration | None:
    """Reads what the distribution in a folder requires.

    Args:
        folder: The folder.
        extras: The extras whose requirements are wanted, too.

    Returns:
        It; ``None`` if no file says what is required.

    Raises:
        ProjectError: If a file cannot be read, or a requirement is none.
    """
    path = folder / FILE_NAME
    content = read_toml(path) if path.is_file() else {}
    project, poetry = _find(content, "project"), _find(content, "tool", "poetry")
    is_installed = "build-system" in content
    if isinstance(project.get("dependencies"), list):
        optional = _find(project, "optional-dependencies")
        given = [*project["dependencies"], *(each for name in extras for each in optional.get(name, ()))]
        return Declaration(path, project.get("requires-python"), _check(path, given), installs_itself=is_installed)
    if dependencies := _find(poetry, "dependencies"):
        python = dependencies.get("python")
        given = [each for name, value in dependencies.items() for each in _write_poetry(name, value)]
        version = _write_range(python) if python else None
        return Declaration(path, version, _check(path, given), installs_itself=is_installed)
    return _read_setup(folder / "setup.cfg") or _read_setup_program(folder / "setup.py")


def _find(content: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        content = content.get(name) or {}
        if not isinstance(content, dict):
            return {}
    return content


def _check(path: Path, requirements: Iterable[object]) -> tuple[str, ...]:
    texts = tuple(map(str, requirements))
    for text in texts:
        try:
            Requirement(text)
        except InvalidRequirement as error:
            raise ProjectError(f"{path} has the dependency {text!r}, which is no requirement: {error}") from error
    return texts


def _write_poetry(name: str, value: object) -> Iterator[str]:
    """Writes a dependency of Poetry's as pip does; optional ones are not wanted."""
    if name == "python":
        return
    if isinstance(value, str):
        yield f"{name}{_write_range(value)}"
    elif isinstance(value, dict) and not value.get("optional"):
        extras = f"[{','.join(value['extras'])}]" if value.get("extras") else ""
        marker = f"; {value['markers']}" if value.get("markers") else ""
        if git := value.get("git"):
            revision = value.get("rev") or value.get("tag") or value.get("branch")
            yield f"{name}{extras} @ git+{git}{f'@{revision}' if revision else ''}{marker and f' {marker}'}"
        elif address := value.get("url"):
            yield f"{name}{extras} @ {address}{marker and f' {marker}'}"
        elif "path" not in value:
            yield f"{name}{extras}{_write_range(str(value.get('version', '*')))}{marker}"


def _write_range(text: str) -> str:
    """Writes Poetry's ``^1.2.3`` and ``~1.2`` as pip does.

    See https://python-poetry.org/docs/dependency-specification.
    """
    clauses = [clause for each in re.split(r"\s*,\s*", text.strip()) for clause in _write_clause(each.replace(" ", ""))]
    try:
        return str(SpecifierSet(",".join(clauses)))
    except InvalidSpecifier as error:
        raise ProjectError(
            f"{FILE_NAME} has the version {text!r}, which pip cannot express; write it as '>=1.2,<2'"
        ) from error


def _write_clause(text: str) -> Iterator[str]:
    operator, version = text[:1], text.lstrip("^~=")
    if text in ("", "*"):
        return
    if _VERSION.fullmatch(text) or (text.endswith("*") and text[0].isdigit()):
        yield f"=={text}"
    elif operator in ("^", "~") and not text.startswith("~=") and _VERSION.match(version):
        numbers = [int(part) for part in re.findall(r"\d+", version)]
        # The first number that is not 0 stays with `^`, and the second one with `~`.
        first = next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)
        kept = first if operator == "^" else min(1, len(numbers) - 1)
        yield f">={version}"
        yield f"<{'.'.join(map(str, [*numbers[:kept], numbers[kept] + 1]))}"
    else:
        yield text


def _read_setup(path: Path) -> Declaration | None:
    if not path.is_file():
        return None
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(read_text(path))
    except configparser.Error as error:
        raise ProjectError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if not parser.has_option("options", "install_requires"):
        return None
    lines = [line.strip() for line in parser.get("options", "install_requires").splitlines()]
    python = parser.get("options", "python_requires", fallback=None)
    return Declaration(path, python, _check(path, filter(None, lines)))


def _read_setup_program(path: Path) -> Declaration | None:
    """Reads a list that stands in the call of ``setup``; a program that makes it is not run."""
    try:
        tree = ast.parse(read_text(path)) if path.is_file() else ast.Module([], [])
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        for keyword in node.keywords if isinstance(node, ast.Call) else ():
            if keyword.arg == "install_requires":
                try:
                    given = ast.literal_eval(keyword.value)
                except ValueError:
                    return None
                listed = given.splitlines() if isinstance(given, str) else given
                return Declaration(path, None, _check(path, filter(None, listed)))
    return None
