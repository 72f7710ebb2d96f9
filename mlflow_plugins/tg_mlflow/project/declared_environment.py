"""The environment that a project declares: its Python, its libraries and its image."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlflow.projects import env_type
from packaging.specifiers import InvalidSpecifier

from tg.common.secrets import SecretMask
from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environments import pyproject, uv_lock
from tg_mlflow.project.environments.conda_env import read_conda_env
from tg_mlflow.project.environments.declaration import Declaration
from tg_mlflow.project.environments.python_env import read_python_env
from tg_mlflow.project.environments.python_versions import (
    HERE,
    choose_python,
    is_too_old,
    list_least_versions,
)
from tg_mlflow.project.environments.requirement_lines import read_requirements
from tg_mlflow.project.project import Project

_REQUIREMENTS_FILE_NAME = "requirements.txt"
_DOCKER_KEY = "docker_env"
_MOST_SHOWN = 10


@dataclass(frozen=True)
class DeclaredEnvironment:
    """What a project declares.

    Attributes:
        source: The file or the key of the MLproject that declares it; ``None`` if nothing does.
        python_version: The Python that it asks for, such as ``3.12``; ``None`` for any.
        requirements: Its libraries, in pip's notation.
        unavailable: Packages of conda that pip cannot install.
        base_image: The image of ``docker_env``.
        index_urls: Package indexes that it names besides the usual ones; may hold credentials.
        source_folders: Folders of the project that it installs, whose modules can be imported from anywhere.
        variables: Variables that it sets for what runs.
        notes: What of it is not heeded, or heeded in another way, one sentence each.
    """

    source: str | None = None
    python_version: str | None = None
    requirements: tuple[str, ...] = ()
    unavailable: tuple[str, ...] = ()
    base_image: str | None = None
    index_urls: tuple[str, ...] = ()
    source_folders: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any] | None:
        """Describes for a package what its requirements do not say, as values for JSON; ``None`` if there is nothing.

        Passwords in addresses are left out.
        """
        if self.source is None:
            return None
        return {
            "source": self.source,
            "python_version": self.python_version,
            "base_image": self.base_image,
            "index_urls": [re.sub(r"(?<=://)[^/@$]+@", "", each) for each in self.index_urls],
        }


def read_declared_environment(project: Project) -> DeclaredEnvironment:
    """Reads the environment that a project declares.

    That is ``docker_env``, ``python_env`` or ``conda_env`` of its MLproject, or ``python_env.yaml`` or ``conda.yaml``
    beside it; without one of them ``uv.lock``, ``pyproject.toml``, ``setup.cfg`` or ``requirements.txt``, the first
    that lists libraries.

    Raises:
        ProjectError: If a file cannot be read, or has another form.
    """
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
    if (found is None or not found.requirements) and path.is_file():
        lines = read_requirements(path)
        python = found.python if found else None
        return Declaration(
            path.name,
            python,
            tuple(lines.requirements),
            tuple(lines.index_urls),
            tuple(lines.folders),
            ignored=tuple(lines.ignored),
        )
    return found


def _read_docker_env(docker_env: Mapping[str, Any]) -> DeclaredEnvironment:
    variables, notes = dict[str, str](), list[str]()
    for each in docker_env.get("environment") or ():
        pair = {str(each[0]): str(each[1])} if isinstance(each, list) and len(each) == 2 else {}
        if pair and SecretMask.of_variables(pair).mask_named(pair) == pair:
            variables |= pair
        else:
            name = each[0] if isinstance(each, list) else each
            notes.append(
                f"the variable {name!r} of {_DOCKER_KEY} is not copied; set it in the key environment, or where "
                "it is launched"
            )
    if volumes := docker_env.get("volumes"):
        notes.append(
            f"the volumes of {_DOCKER_KEY} ({_shorten(volumes)}) are not mounted; name data in the key dataset"
        )
    return DeclaredEnvironment(
        _DOCKER_KEY, base_image=str(docker_env["image"]), variables=variables, notes=tuple(notes)
    )


def _complete(declaration: Declaration, folder: Path) -> DeclaredEnvironment:
    """Adds what the project's own distributions require, and chooses the Python."""
    notes = list[str]()
    source_folders = list[str]()
    for each in declaration.folders:
        place, extras = _divide_extras(each)
        source_folders += _list_sources(folder, place)
        own = pyproject.read_pyproject(folder / place, extras)
        if own is not None:
            known = [*declaration.requirements, *own.requirements]
            declaration = replace(declaration, requirements=tuple(dict.fromkeys(known)))
        elif (folder / place / "setup.py").is_file():
            notes.append(f"what {Path(place) / 'setup.py'} requires is not read; list it in {declaration.source}")
    if declaration.ignored:
        notes.append(f"{declaration.source} has {_shorten(declaration.ignored)}, which is not heeded")
    if declaration.unavailable:
        notes.append(
            f"{declaration.source} has {_shorten(declaration.unavailable)}, which pip cannot install; in an image, "
            "apt_packages of the key build installs packages of Debian"
        )
    python_version, requirements, note = _choose(declaration)
    return DeclaredEnvironment(
        source=declaration.source,
        python_version=python_version,
        requirements=requirements,
        unavailable=declaration.unavailable,
        index_urls=declaration.index_urls,
        source_folders=tuple(dict.fromkeys(source_folders)),
        variables=declaration.variables,
        notes=(*notes, *note),
    )


def _choose(declaration: Declaration) -> tuple[str | None, tuple[str, ...], list[str]]:
    """Chooses the Python, and requirements that it can have."""
    declared, source = declaration.python, declaration.source
    if not declared:
        return None, declaration.requirements, []
    try:
        chosen, is_old = choose_python(declared), is_too_old(declared)
    except InvalidSpecifier as error:
        raise ProjectError(f"{source} asks for Python {declared!r}, which is no version; write it as '3.12'") from error
    if chosen is not None:
        # One that accepts this Python among others leaves the choice to the place.
        is_pinned = chosen != HERE or "==" in declared
        return (chosen if is_pinned else None), declaration.requirements, []
    if not is_old:
        return None, declaration.requirements, [f"{source} asks for Python {declared}, which jobs cannot have"]
    least = tuple(list_least_versions(declaration.requirements))
    changed = [each for each in least if each not in declaration.requirements]
    what = f": {_shorten(changed)}" if changed else ""
    note = (
        f"{source} asks for Python {declared.removeprefix('==').removesuffix('.*')}, and jobs need 3.10 or later, so "
        f"its versions are taken as the least ones{what}"
    )
    return None, least, [note]


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
