"""Reads the versions that ``uv.lock`` pins for what its project needs where it runs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.markers import InvalidMarker, Marker

from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environments.declaration import Declaration
from tg_mlflow.project.environments.python_versions import HERE, choose_python
from tg_mlflow.project.environments.text_files import read_toml

FILE_NAME = "uv.lock"
_LINUX = {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"}
# The project itself, and other folders that belong to it.
_OWN_SOURCES = ("editable", "virtual", "directory")


def read_uv_lock(path: Path) -> Declaration:
    """Reads a ``uv.lock``: what its project needs, without groups and extras, on Linux.

    Raises:
        ProjectError: If it cannot be read, or has another form.
    """
    content = read_toml(path)
    python = content.get("requires-python")
    try:
        packages = [_Package(each) for each in content["package"]]
        (root,) = [each for each in packages if each.source.get("editable", each.source.get("virtual")) == "."]
        version = (choose_python(python) if python else None) or HERE
        needed = _list_needed(root, packages, {**_LINUX, "python_version": version, "python_full_version": version})
        requirements = sorted({each.write(path) for each in needed if not each.is_own})
    except (KeyError, TypeError, ValueError, AttributeError, InvalidMarker) as error:
        reason = " ".join(str(error).split())
        raise ProjectError(
            f"{path} does not have the form of a uv.lock ({reason}); make it again with `uv lock`"
        ) from error
    return Declaration(path, python, tuple(requirements), installs_itself="editable" in root.source)


class _Package:
    def __init__(self, content: Mapping[str, Any]) -> None:
        self.name: str = content["name"]
        self.version: str | None = content.get("version")
        self.source: Mapping[str, str] = content.get("source", {})
        self.dependencies: list[Mapping[str, Any]] = content.get("dependencies", [])
        self.optional: Mapping[str, list[Mapping[str, Any]]] = content.get("optional-dependencies", {})

    @property
    def is_own(self) -> bool:
        return any(each in self.source for each in _OWN_SOURCES)

    def write(self, lock: Path) -> str:
        """Writes the requirement of exactly this package."""
        if git := self.source.get("git"):
            repository, _, revision = git.partition("#")
            return f"{self.name} @ git+{repository.partition('?')[0]}@{revision}"
        if address := self.source.get("url"):
            return f"{self.name} @ {address}"
        if path := self.source.get("path"):
            return f"{self.name} @ {(lock.parent / path).resolve().as_uri()}"
        return f"{self.name}=={self.version}"


def _list_needed(root: _Package, packages: list[_Package], environment: Mapping[str, str]) -> Iterator[_Package]:
    """Yields what a package needs, directly or not, itself included."""
    pending, seen = [(root, "")], set[tuple[str, str | None, str]]()
    while pending:
        package, extra = pending.pop()
        if (package.name, package.version, extra) in seen:
            continue
        seen.add((package.name, package.version, extra))
        yield package
        for need in package.optional.get(extra, []) if extra else package.dependencies:
            if "marker" in need and not Marker(need["marker"]).evaluate(dict(environment)):
                continue
            found = _find(need, packages)
            pending += [(found, each) for each in ("", *need.get("extra", ()))]


def _find(need: Mapping[str, Any], packages: list[_Package]) -> _Package:
    """Returns the package that a dependency names, with its version and source where there are several."""
    for each in packages:
        fits = need.get("version", each.version) == each.version and need.get("source", each.source) == each.source
        if each.name == need["name"] and fits:
            return each
    raise ValueError(f"it lacks the package {need['name']}")
