"""The copy of a project that a command runs in."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from ....errors import PackagingError
from ....system.tar_extraction import extract_member
from ...delivery.package.project_archive import PROJECT_RESOURCE

_COPY = "project"
_CACHES = ("__pycache__",)


def open_project(package: bytes, folder: Path) -> Path:
    """Unpacks the project's files from a package.

    Args:
        package: The package's file.
        folder: Where to.

    Returns:
        The copy's folder.

    Raises:
        PackagingError: If the package holds no project.
    """
    target = folder / _COPY
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(package)), mode="r:") as archive:
        ending = f"/resources/{PROJECT_RESOURCE}"
        content = next((archive.extractfile(member) for member in archive if member.name.endswith(ending)), None)
        if content is None:
            raise PackagingError("the package holds no project to run a command in; make it with Packaging.project")
        target.mkdir()
        with tarfile.open(fileobj=content, mode="r:") as project:
            for member in project:
                extract_member(project, member, target)
    return target


def list_files(folder: Path) -> Mapping[str, tuple[int, int]]:
    """Returns size and time of change of each file below a folder, by its path there."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and not set(path.parts) & set(_CACHES):
            status = path.stat()
            found[path.relative_to(folder).as_posix()] = (status.st_size, status.st_mtime_ns)
    return found


def describe_changes(folder: Path, before: Mapping[str, tuple[int, int]]) -> list[str]:
    """Returns the files that are new or changed, sorted."""
    return sorted(name for name, status in list_files(folder).items() if before.get(name) != status)
