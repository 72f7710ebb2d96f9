"""The environment that a project declares: its Python, its libraries and its image."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlflow.projects import env_type
from packaging.specifiers import InvalidSpecifier

from tg.common.secrets import SecretMask
from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environments import pyproject, uv_lock
from tg_mlflow.project.environments.conda_env import read_conda_env
from tg_mlflow.project.environments.declaration import Declaration, DeclaredEnvironment
from tg_mlflow.project.environments.python_env import read_python_env
from tg_mlflow.project.environments.python_versions import (
    HERE,
    choose_python,
    is_too_old,
    list_least_versions,
    list_outdated,
)
from tg_mlflow.project.environments.requirement_lines import is_installer, parse_requirements
from tg_mlflow.project.project import Project

_REQUIREMENTS_FILE_NAME = "requirements.txt"
_DOCKER_KEY = "docker_env"
_MOST_SHOWN = 10


def read_declared_environment(project: Project, is_needed: bool = True) -> DeclaredEnvironment:
    """Reads the environment that a project declares, once.

    That is ``docker_env``, ``python_env`` or ``conda_env`` of its MLproject, or ``python_env.yaml`` or ``conda.yaml``
    beside it; without one of them ``uv.lock``, ``pyproject.toml``, ``requirements.txt``, ``setup.cfg`` or
    ``setup.py``, the first that lists libraries.

    Args:
        project: The project.
        is_needed: Whether it is going to be made; otherwise a file that cannot be read declares nothing.

    Raises:
        ProjectError: If a file cannot be read, or has another form.
    """
    if project.folder not in project.environments:
        try:
            project.environments[project.folder] = _read(project)
        except ProjectError:
            if is_needed:
                raise
            return DeclaredEnvironment()
    return project.environments[project.folder]


def _read(project: Project) -> DeclaredEnvironment:
    spec = project.spec
    if spec is not None and spec.docker_env:
        return _read_docker_env(spec.docker_env)
    declaration = _read_file(project.folder, spec)
    if declaration is None:
        return DeclaredEnvironment()
    return _complete(declaration, project.folder)


def _read_file(folder: Path, spec: Any) -> Declaration | None:
    if spec is not None and spec.env_config_path:
        path = Path(spec.env_config_path)
        return read_conda_env(path) if spec.env_type == env_type.CONDA else read_python_env(path)
    if (folder / uv_lock.FILE_NAME).is_file():
        return uv_lock.read_uv_lock(folder / uv_lock.FILE_NAME)
    found = pyproject.read_pyproject(folder)
    path = folder / _REQUIREMENTS_FILE_NAME
    is_listed = found is not None and found.path.name == pyproject.FILE_NAME and bool(found.requirements)
    if not is_listed and path.is_file():
        return Declaration(path, found.python if found else None, lines=(f"-r {path.name}",))
    return found


def _read_docker_env(docker_env: Mapping[str, Any]) -> DeclaredEnvironment:
    given = docker_env.get("environment") or ()
    pairs = {str(each[0]): str(each[1]) for each in given if isinstance(each, list) and len(each) == 2}
    names = [str(each[0] if isinstance(each, list) else each) for each in given]
    variables, notes = _keep_variables(pairs, names, _DOCKER_KEY)
    if volumes := docker_env.get("volumes"):
        notes.append(
            f"the volumes of {_DOCKER_KEY} ({_shorten(volumes)}) are not mounted; name data in the key dataset"
        )
    return DeclaredEnvironment(
        _DOCKER_KEY, base_image=str(docker_env["image"]), variables=variables, notes=tuple(notes)
    )


def _keep_variables(pairs: Mapping[str, str], names: Iterable[str], source: str) -> tuple[dict[str, str], list[str]]:
    """Returns the variables that are set for what runs, and a sentence for each other one: no value, or a secret."""
    shown = SecretMask().mask_named(pairs)
    kept = {name: value for name, value in pairs.items() if shown[name] == value}
    return kept, [
        f"the variable {name!r} of {source} is not copied; set it in the key environment, or where it is launched"
        for name in names
        if name not in kept
    ]


def _complete(declaration: Declaration, folder: Path) -> DeclaredEnvironment:
    """Adds what lines and the project's own distributions require, and chooses the Python."""
    source = declaration.path.name
    found = parse_requirements(declaration.lines, declaration.path)
    requirements = [*declaration.requirements, *(each for each in found.requirements if not is_installer(each))]
    source_folders = list(_list_sources(folder, ".")) if declaration.installs_itself else []
    variables, notes = _keep_variables(declaration.variables, declaration.variables, source)
    for each in found.folders:
        place, extras = _divide_extras(each)
        source_folders += _list_sources(folder, place)
        own = pyproject.read_pyproject(folder / place, extras)
        if own is not None:
            requirements += own.requirements
        elif (folder / place / "setup.py").is_file():
            notes.append(f"what {Path(place) / 'setup.py'} requires is not read; list it in {source}")
    if ignored := [*declaration.ignored, *found.ignored]:
        notes.append(f"{source} has {_shorten(ignored)}, which is not heeded")
    if declaration.unavailable:
        notes.append(
            f"{source} has {_shorten(declaration.unavailable)}, which pip cannot install; in an image, apt_packages of "
            "the key build installs packages of Debian"
        )
    python_version, chosen, note = _choose(declaration, tuple(dict.fromkeys(requirements)))
    return DeclaredEnvironment(
        source=source,
        python_version=python_version,
        requirements=chosen,
        unavailable=declaration.unavailable,
        index_urls=tuple(found.index_urls),
        source_folders=tuple(dict.fromkeys(source_folders)),
        variables=variables,
        notes=(*notes, *note),
    )


def _choose(declaration: Declaration, requirements: tuple[str, ...]) -> tuple[str | None, tuple[str, ...], list[str]]:
    """Chooses the Python, and requirements that it can have."""
    declared, source = declaration.python, declaration.path.name
    notes, asked = list[str](), None
    try:
        chosen = choose_python(declared) if declared else None
        if declared and chosen is None:
            asked = f"Python {declared.removeprefix('==').removesuffix('.*')}"
            if not is_too_old(declared):
                return None, requirements, [f"{source} asks for {asked}, which jobs cannot have"]
    except InvalidSpecifier as error:
        raise ProjectError(f"{source} asks for Python {declared!r}, which is no version; write it as '3.12'") from error
    # One that accepts this Python among others leaves the choice to the place.
    pinned = chosen if declared and (chosen != HERE or "==" in declared) else None
    if asked is None and pinned is None and (outdated := list_outdated(requirements)):
        asked = f"{_shorten(outdated)}, for an older Python"
    if asked is not None:
        least = tuple(list_least_versions(requirements))
        changed = [each for each in least if each not in requirements]
        what = f": {_shorten(changed)}" if changed else ""
        notes.append(
            f"{source} asks for {asked}, and jobs need 3.10 or later, so its versions are taken as the least ones{what}"
        )
        requirements = least
    return pinned, requirements, notes


def _divide_extras(folder: str) -> tuple[str, list[str]]:
    place, _, extras = folder.partition("[")
    return place, [each.strip() for each in extras.rstrip("]").split(",") if each.strip()]


def _list_sources(folder: Path, place: str) -> Iterator[str]:
    """Yields the folders from which the modules of a distribution are imported."""
    if (folder / place / "src").is_dir():
        yield re.sub(r"^\./", "", f"{place}/src")
    yield place


def _shorten(values: Iterable[object]) -> str:
    texts = [str(each) for each in values]
    more = f" and {len(texts) - _MOST_SHOWN:,} more" if len(texts) > _MOST_SHOWN else ""
    return ", ".join(texts[:_MOST_SHOWN]) + more
