"""Checks of this machine: Python, libraries, disks."""

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from packaging.requirements import Requirement

from tg.common.delivery.sagemaker.job_files.job_storage import VARIABLE, jobs_path
from tg_mlflow.diagnosis.check import Check, Finding

_DISTRIBUTION = "tg-mlflow"
_GIGABYTE = 10**9
# A disk with less than this is nearly full, and one with less than that is too small for a small training.
_FEW_BYTES = 2 * _GIGABYTE
_TOO_FEW_BYTES = _GIGABYTE // 5


def list_machine_checks() -> Iterator[Check]:
    """Lists what every training needs of the machine that starts it."""
    yield Check("Python", lambda: Finding.ok(f"{platform.python_version()}, {sys.executable}"))
    yield Check("libraries", find_libraries)
    yield Check("jobs", partial(_find_folder, jobs_path, VARIABLE))
    yield Check("temporary files", partial(_find_folder, lambda: Path(tempfile.gettempdir()), "TMPDIR"))


def find_libraries(distribution: str = _DISTRIBUTION) -> Finding:
    """Compares the libraries that are installed with those that this one needs."""
    try:
        own = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return Finding.problem(
            f"{distribution} is not installed, and its places cannot be found", f"pip install {distribution}"
        )
    wrong = {}
    for text in importlib.metadata.requires(distribution) or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            version = _find_version(requirement.name)
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                wrong[f"{requirement.name}{requirement.specifier}"] = version
    if wrong:
        listed = ", ".join(f"{needed} (installed: {version or 'none'})" for needed, version in wrong.items())
        names = " ".join(f"'{each}'" for each in wrong)
        return Finding.problem(f"{distribution} {own} needs {listed}", f"{sys.executable} -m pip install {names}")
    return Finding.ok(f"tg-mlflow {own}, MLflow {_find_version('mlflow')}")


def _find_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _find_folder(find: Callable[[], Path], variable: str) -> Finding:
    folder = find()
    remedy = f"set {variable} to another folder"
    if (existing := find_existing(folder)) is None or not os.access(existing, os.W_OK | os.X_OK) or existing.is_file():
        return Finding.problem(f"nothing can be written to {str(folder)!r}", remedy)
    return find_space(str(folder), existing, remedy)


def find_existing(path: Path) -> Path | None:
    """Returns a path, or else the nearest one above it that exists; ``None`` if none can be seen."""
    return next((each for each in (path, *path.parents) if os.path.exists(each)), None)


def find_space(name: str, existing: Path, remedy: str) -> Finding:
    """Looks at how much space is free on a disk.

    Args:
        name: What the space is for, such as a folder's path.
        existing: A path on the disk.
        remedy: What to do besides freeing space.
    """
    free = shutil.disk_usage(existing).free
    found = f"{free / _GIGABYTE:.1f} GB free for {name}"
    if free < _TOO_FEW_BYTES:
        return Finding.problem(found, f"free space there, or {remedy}")
    return Finding.warning(found, f"free space there, or {remedy}") if free < _FEW_BYTES else Finding.ok(found)
