"""What is installed here, and which of it a package needs."""

import importlib.metadata
import importlib.util
import sys
import sysconfig
from collections.abc import Iterable
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path

from ...errors import PackagingError

# What every training needs, with what decides its numbers to the last digit.
CORE = ("jsonpickle", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


def pin_distributions(names: Iterable[str]) -> tuple[str, ...]:
    """Writes distributions as requirements of the versions that are installed here, sorted.

    Raises:
        PackagingError: If one is not installed.
    """
    pinned = set()
    for name in names:
        try:
            # A local part, as in 2.0+cpu, names a build that no index has.
            version = importlib.metadata.version(name).partition("+")[0]
        except importlib.metadata.PackageNotFoundError as error:
            raise PackagingError(f"{name!r} is not installed here, so its version is unknown; install it") from error
        pinned.add(f"{name}=={version}")
    return tuple(sorted(pinned, key=str.lower))


def find_distributions(modules: Iterable[str]) -> set[str]:
    """The distributions that provide top-level modules; those of the standard library and unknown ones have none."""
    providers = _providers()
    return {providers[name][0] for name in modules if name in providers}


def is_known(module: str) -> bool:
    """Whether a top-level module is in the standard library or can be imported here."""
    if module in sys.stdlib_module_names:
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # a module in sys.modules without a specification, such as __main__
        return module in sys.modules


def find_installed(module: str) -> str | None:
    """Where a top-level module is installed: a path, or ``the standard library``; ``None`` if it is not."""
    if module in sys.stdlib_module_names:
        return "the standard library"
    spec = PathFinder.find_spec(module, _site_folders())
    return spec.origin if spec is not None else None


def _site_folders() -> list[str]:
    folders = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    folders |= {path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")}
    return sorted(folders)


@lru_cache(maxsize=1)
def _providers() -> dict[str, list[str]]:
    return {name: sorted(set(found)) for name, found in importlib.metadata.packages_distributions().items()}
