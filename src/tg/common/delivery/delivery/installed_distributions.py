"""What is installed here, and which of it a package needs."""

import importlib.metadata
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path

from ...errors import PackagingError
from ...module_specs import find_module_spec

# What every training needs, with what decides its numbers to the last digit.
CORE = ("jsonpickle", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


def pin_distributions(names: Iterable[str]) -> tuple[str, ...]:
    """Writes distributions as requirements of the versions that are installed here, sorted.

    Raises:
        PackagingError: If one is not installed.
    """
    names = set(names)
    versions = find_versions(names)
    if missing := sorted(names - versions.keys()):
        raise PackagingError(f"{missing[0]!r} is not installed here, so its version is unknown; install it")
    # A local part, as in 2.0+cpu, names a build that no index has.
    return tuple(f"{name}=={version.partition('+')[0]}" for name, version in versions.items())


def find_versions(names: Iterable[str]) -> dict[str, str]:
    """The versions of those distributions that are installed here, in the order of their names."""
    versions = {}
    for name in sorted(names, key=str.lower):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def name_distribution(requirement: str) -> str:
    """The distribution that a requirement in pip's notation names, written as indexes do: ``scikit-learn``.

    What names none, such as a bare address, stays as it is.
    """
    found = re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*($|[\[<>=!~;@(])", requirement)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else requirement


def find_distributions(modules: Iterable[str]) -> set[str]:
    """The distributions that provide top-level modules; those of the standard library and unknown ones have none.

    Where several provide parts of one, such as ``google``, they are all meant.
    """
    providers = _read_providers(tuple(_last_changes()))
    return {provider for name in modules for provider in providers.get(name, ())}


def find_installed(module: str) -> str | None:
    """Where a top-level module is installed: ``installed as <path>`` or ``in the standard library``.

    ``None`` if it is not; what is installed from its sources, with ``pip install --editable``, is not, either.
    """
    if module in sys.stdlib_module_names:
        return "in the standard library"
    spec = PathFinder.find_spec(module, _site_folders())
    if spec is None:
        return None
    return f"installed as {spec.origin or next(iter(spec.submodule_search_locations or []), module)}"


def is_hidden(module: str) -> bool:
    """Whether an installed top-level module is hidden by another of its name, which an import finds here instead."""
    if module in sys.stdlib_module_names:
        return False
    spec = find_module_spec(module)
    if spec is None or spec.origin is None or not spec.has_location:
        return False
    return not any(Path(spec.origin).is_relative_to(folder) for folder in _site_folders())


def _site_folders() -> list[str]:
    folders = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    folders |= {path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")}
    return sorted(folders)


def _last_changes() -> Iterator[tuple[str, int]]:
    """When each folder of installed modules was last changed, which installing something does."""
    for folder in _site_folders():
        if Path(folder).is_dir():
            yield folder, Path(folder).stat().st_mtime_ns


@lru_cache(maxsize=1)
def _read_providers(changes: tuple[tuple[str, int], ...]) -> dict[str, list[str]]:
    """Reads all distributions' lists of files, which takes a few tenths of a second; again if something has changed."""
    return {name: sorted(set(found)) for name, found in importlib.metadata.packages_distributions().items()}
