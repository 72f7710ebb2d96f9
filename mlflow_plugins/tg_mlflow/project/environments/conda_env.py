"""Reads ``conda.yaml`` as far as pip can install what it names."""

import re
from collections.abc import Iterator
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environments.conda_names import find_pip_name, is_brought_along
from tg_mlflow.project.environments.declaration import Declaration
from tg_mlflow.project.environments.text_files import read_mapping, read_texts

# `channel::name[version='>=1',build=x]`, or `name` and a version with or without an operator, and a build.
_SPEC = re.compile(r"(?:\S+::)?(?P<name>\w[\w.-]*)\s*(?P<rest>\[.*\]|[\s=<>!~].*|)")
_BRACKETED_VERSION = re.compile(r"version\s*=\s*['\"]?([^'\"\]]+)")
_PINNED = re.compile(r"(?P<operator>={0,2})(?P<version>[^=<>!~,|\s]+)(?P<build>(?:=|\s+)[^=<>!~,|\s]+)?")
_CLAUSE = re.compile(r"(?P<operator>[=<>!~]=?|={0,2})(?P<version>[^=<>!~,|\s]+)")
# Their versions have one part more at pip, such as 4.5.5.64 for 4.5.5.
_LONGER_VERSIONS = {"opencv-python"}


def read_conda_env(path: Path) -> Declaration:
    """Reads a ``conda.yaml``; channels and builds are left out.

    Raises:
        ProjectError: If it cannot be read, or has another form.
    """
    content = read_mapping(path)
    specs, lines = _divide(path, content.get("dependencies") or [])
    python = None
    requirements, unavailable, ignored = list[str](), list[str](), list[str]()
    for name, version in (_parse(path, each) for each in specs):
        if name == "python":
            python = _write_specifier(version, name) or None
            ignored += [f"python {version}"] if version and not python else []
        elif is_brought_along(name):
            continue
        elif (pip_name := find_pip_name(name)) is None:
            unavailable.append(name)
        else:
            specifier = _write_specifier(version, pip_name)
            if specifier is None:
                ignored.append(f"the version of {name} ({version})")
            requirements.append(f"{pip_name}{specifier or ''}")
    variables = content.get("variables") or {}
    if not isinstance(variables, dict):
        raise ProjectError(f"{path} has {variables!r} under variables; give names and values")
    return Declaration(
        path,
        python=python,
        requirements=tuple(dict.fromkeys(requirements)),
        lines=tuple(lines),
        unavailable=tuple(dict.fromkeys(unavailable)),
        ignored=tuple(ignored),
        variables={name: value for name, value in variables.items() if isinstance(value, str)},
    )


def _divide(path: Path, dependencies: object) -> tuple[list[str], list[str]]:
    """Divides dependencies into conda's and the lines of the pip part."""
    if not isinstance(dependencies, list):
        raise ProjectError(f"{path} has {dependencies!r} under dependencies; give a list")
    specs, lines = list[str](), list[str]()
    for each in dependencies:
        if isinstance(each, str):
            specs.append(each)
        elif isinstance(each, dict) and set(each) == {"pip"}:
            lines += read_texts(path, each, "pip")
        else:
            raise ProjectError(f"{path} has the dependency {each!r}; give a text such as 'numpy=2.1', or a list 'pip:'")
    return specs, lines


def _parse(path: Path, spec: str) -> tuple[str, str]:
    """Returns a package's name and what is written behind it."""
    found = _SPEC.fullmatch(spec.strip())
    if found is None:
        raise ProjectError(f"{path} has the dependency {spec!r}, which conda does not know; write it as 'numpy=2.1'")
    rest = found["rest"].strip()
    if rest.startswith("["):
        bracketed = _BRACKETED_VERSION.search(rest)
        rest = bracketed[1] if bracketed else ""
    return found["name"].lower(), re.sub(r"\s*([=<>!~,|]+)\s*", r"\1", rest)


def _write_specifier(version: str, pip_name: str) -> str | None:
    """Writes a version of conda's as pip does; ``None`` if pip has no form for it."""
    specifier = ",".join(_write_clauses(version, is_open=pip_name in _LONGER_VERSIONS))
    try:
        SpecifierSet(specifier)
    except InvalidSpecifier:
        return None
    return specifier


def _write_clauses(version: str, is_open: bool) -> Iterator[str]:
    if version in ("", "*"):
        return
    if pinned := _PINNED.fullmatch(version):
        # `numpy=1.21` is any 1.21; without operator, and with a build, it is exactly that version.
        is_open = is_open or (pinned["operator"] == "=" and not pinned["build"])
        yield _write_pin(pinned["version"], is_open)
        return
    for clause in version.split(","):
        found = _CLAUSE.fullmatch(clause.split(" ")[0])
        if found is None:
            yield clause  # which is invalid
        elif found["operator"] in ("", "=", "=="):
            yield _write_pin(found["version"], is_open or found["operator"] == "=")
        elif found["operator"] == "!=":
            yield f"!={found['version']}"
        else:
            yield f"{found['operator']}{found['version'].removesuffix('.*').removesuffix('*')}"


def _write_pin(version: str, is_open: bool) -> str:
    if version.endswith("*"):
        return f"=={version.rstrip('.*')}.*"
    has_only_numbers = re.fullmatch(r"\d+(\.\d+)*", version)
    return f"=={version}.*" if is_open and has_only_numbers else f"=={version}"
