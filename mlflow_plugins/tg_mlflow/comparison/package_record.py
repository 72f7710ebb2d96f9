"""What a run's package holds: the project's files as the project has them, the task, and versions."""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickletools import genops
from typing import Any

from tg.common.delivery.delivery.package.package_file import read_module_files
from tg.common.delivery.delivery.package.project_archive import PROJECT_RESOURCE
from tg.common.delivery.sagemaker.archive.safe_extraction import extract_archive
from tg.common.errors import ResultArchiveError
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.comparison.source_text import restore_imports

_PROPERTIES = "properties.json"
_RESOURCES, _SHIPPED = "resources", "tg"
# What a package has besides the project's files.
_OWN_FILES = {"__init__.py", _PROPERTIES}
# By these, a pickle refers to what it has held before, by numbers.
_MEMO = {"BINGET", "BINPUT", "GET", "LONG_BINGET", "LONG_BINPUT", "MEMOIZE", "PUT"}
# By this, cloudpickle knows a class that it has pickled by value, such as a notebook's.
_CLASS_ID = re.compile(r"^BINUNICODE '[0-9a-f]{32}'$")
# The differences of larger texts take minutes to find, and nobody reads them.
_LARGEST_TEXT = 500_000
# What holds data is not read part by part.
_LARGEST_PICKLE = 5_000_000


@dataclass(frozen=True)
class SourceFile:
    """A file of a project.

    Attributes:
        digest: The SHA-256 of its content, hexadecimal.
        size_bytes: Its size.
        text: Its content, if that is text and not large.
    """

    digest: str
    size_bytes: int
    text: str | None

    @staticmethod
    def of(content: bytes) -> "SourceFile":
        """Describes the file with this content."""
        is_text = len(content) <= _LARGEST_TEXT and b"\0" not in content
        text = content.decode("utf-8", "backslashreplace") if is_text else None
        return SourceFile(hashlib.sha256(content).hexdigest(), len(content), text)


@dataclass(frozen=True)
class PackageRecord:
    """A package.

    Attributes:
        root: Its top module, which its modules and pickles name.
        properties: Its ``properties.json``.
        sources: The project's files by path, without the renaming of modules.
        objects: Digests of the pickles in it by name, without that renaming, too.
        shipped: Digests of this library's own modules by path.
    """

    root: str
    properties: Mapping[str, Any]
    sources: Mapping[str, SourceFile]
    objects: Mapping[str, str]
    shipped: Mapping[str, str]


def read_package(path: Path) -> PackageRecord:
    """Reads the file of a package, of any version of this library; runs none of it.

    Raises:
        ResultArchiveError: If it is damaged, or no package.
    """
    with temporary_folder() as folder:
        extract_archive(path, folder / "package")
        roots = [each.parent for each in (folder / "package").glob(f"*/*/{_PROPERTIES}")]
        if len(roots) != 1:
            raise ResultArchiveError(f"{path.name!r} is not a package of tg-mlflow: it has {len(roots)} {_PROPERTIES}")
        root, files = roots[0].name, read_module_files(roots[0])
    try:
        properties = dict(json.loads(files[_PROPERTIES]))
        project = dict(_read_project(files.get(f"{_RESOURCES}/{PROJECT_RESOURCE}")))
    except (ValueError, TypeError, tarfile.TarError) as error:
        raise ResultArchiveError(f"the package {path.name!r} is damaged: {error}") from error
    return PackageRecord(
        root,
        properties,
        {name: SourceFile.of(content) for name, content in (_restore(files, root) | project).items()},
        {
            name: _digest_pickle(content.replace(f"{root}.".encode(), b""))
            for name, content in files.items()
            if name.startswith(f"{_RESOURCES}/") and name.endswith(".pkl")
        },
        {
            name: hashlib.sha256(content).hexdigest()
            for name, content in files.items()
            if name.startswith(f"{_SHIPPED}/")
        },
    )


def _restore(files: Mapping[str, bytes], root: str) -> dict[str, bytes]:
    """Returns the project's files, with modules as they were before they were renamed."""
    restored = {}
    for name, content in files.items():
        if name in _OWN_FILES or name.partition("/")[0] in (_RESOURCES, _SHIPPED):
            continue
        if name.endswith(".py"):
            # A module may have any encoding that keeps ASCII, which is all that is replaced.
            content = restore_imports(content.decode("latin-1"), root).encode("latin-1")
        restored[name] = content
    return restored


def _digest_pickle(content: bytes) -> str:
    """Digests what a pickle holds besides what differs between processes: the order of sets, and ids of classes."""
    if len(content) > _LARGEST_PICKLE:
        return hashlib.sha256(content).hexdigest()
    try:
        parts = [f"{opcode.name} {value!r}" for opcode, value, _ in genops(content) if opcode.name not in _MEMO]
        content = "\n".join(sorted(_CLASS_ID.sub("", part) for part in parts)).encode("utf-8", "backslashreplace")
    except ValueError:
        pass  # it has names that are not ASCII, which pickletools does not read
    return hashlib.sha256(content).hexdigest()


def _read_project(archive: bytes | None) -> Iterator[tuple[str, bytes]]:
    """Yields the files of the project that a script runs in; a link stands for itself."""
    if archive is None:
        return
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        for member in members:
            if member.issym():
                yield member.name, f"link to {member.linkname}\n".encode()
            elif (file := members.extractfile(member)) is not None:
                yield member.name, file.read()
