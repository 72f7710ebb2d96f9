"""The results of a training: ``model.tar.gz``, opened without trusting its content."""

import json
import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from ....errors import ResultArchiveError, suggestion
from ....exception_text import describe_exception
from ....system.temporary_folder import temporary_folder
from ...delivery.package.pickling import load_pickle
from ...delivery.package.version_differences import describe_differences
from .completion import parse_completion_marker, parse_left_out, parse_log_size, write_completion_marker
from .entries import describe_os_error
from .modules import ArchivedModules, PackageProperties
from .names import ARCHIVE_NAME, COMPLETION, HYPERPARAMETERS, PACKAGE, PROPERTIES, TASK, other_names
from .safe_extraction import DEFAULT_LIMITS, OWN_LIMITS, ArchiveLimits, extract_archive, scan_archive
from .safe_member import ArchiveMember
from .writer import write_result_archive, write_result_archive_from_tar

__all__ = [
    "ARCHIVE_NAME",
    "COMPLETION",
    "HYPERPARAMETERS",
    "PACKAGE",
    "PROPERTIES",
    "TASK",
    "ArchiveLimits",
    "ResultArchive",
    "write_completion_marker",
    "write_result_archive",
    "write_result_archive_from_tar",
]


class ResultArchive:
    """An archive of a training's results. It is read to its end when it is opened, so that damage is noticed at once.

    Files are extracted on demand, into a folder that only this user can read and that is removed when the archive is
    closed or garbage-collected.

    Args:
        path: The archive.
        limits: How much it may contain.

    Raises:
        ResultArchiveError: If it is missing, damaged or truncated, or contains something that is unsafe to extract.
    """

    def __init__(self, path: Path, limits: ArchiveLimits = DEFAULT_LIMITS) -> None:
        self.path = Path(path)
        self._limits = limits
        self._members = {member.name: member for member in scan_archive(self.path, limits)}
        self._extracted: dict[str, Path] = {}
        extracted = ExitStack()
        self._folder = extracted.enter_context(temporary_folder())
        self._remove_folder = weakref.finalize(self, extracted.close)

    def __repr__(self) -> str:
        return f"ResultArchive({str(self.path)!r}, {len(self._members)} members)"

    @classmethod
    def open_complete(cls, path: Path) -> "ResultArchive":
        """Opens the archive of a job of one's own, whose training has completed; it may be of any size.

        Raises:
            ResultArchiveError: If it is incomplete, or there is no archive that can be read.
        """
        archive = cls(path, OWN_LIMITS)
        archive.check_complete()
        return archive

    def __enter__(self) -> "ResultArchive":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Removes the extracted files; may be called twice. Objects that have been unpickled stay usable."""
        self._remove_folder()

    def list(self) -> list[str]:
        """Returns the members' names in their order, those of folders with a slash at the end."""
        return [f"{member.name}/" if member.is_folder else member.name for member in self._members.values()]

    def get_path(self, member: str) -> Path:
        """Extracts a member, unless it has been, and returns its path, which is valid until the archive is closed.

        Args:
            member: Its name, as :meth:`list` has it; a folder comes with everything below it. ``package.tar.gz`` and
                ``package.tag.gz`` are the same.

        Raises:
            ResultArchiveError: If there is no such member, or it cannot be extracted.
        """
        if not self._remove_folder.alive:
            raise ResultArchiveError(f"the archive {str(self.path)!r} is closed; open it again")
        name = self._find(member).name
        for above in (name, *map(str, PurePosixPath(name).parents)):
            if above in self._extracted:
                return self._extracted[above] / PurePosixPath(name).relative_to(above)
        folder = self._folder / str(len(self._extracted))
        extract_archive(self.path, folder, self._with_needed(name), self._limits)
        self._extracted[name] = folder / name
        return folder / name

    def unpickle(self, member: str) -> Any:
        """Loads a pickled member with the classes that are installed here, where possible.

        Classes of project modules that cannot be imported here come from the archived package. Only for trusted
        archives: unpickling runs code.

        Raises:
            ResultArchiveError: If there is no such member, or it cannot be loaded.
        """
        path = self.get_path(member)
        try:
            text = self._read(PROPERTIES)
            properties = PackageProperties.parse(text)
        except (ValueError, RecursionError) as error:
            raise ResultArchiveError(f"{PROPERTIES} in {str(self.path)!r} is damaged: {error}") from error
        modules = ArchivedModules(properties, lambda: self.get_path(PACKAGE), self._limits)
        try:
            try:
                return load_pickle(path, modules.find)
            except ModuleNotFoundError as error:
                if not modules.provide(error.name):
                    raise
                return load_pickle(path, modules.find)
        except Exception as error:
            reason = str(error) if isinstance(error, ResultArchiveError) else describe_exception(error)
            if differences := describe_differences(json.loads(text)):
                reason = f"{reason}; {differences}"
            raise ResultArchiveError(f"{member!r} of {str(self.path)!r} cannot be unpickled: {reason}") from error

    @property
    def left_out(self) -> Mapping[str, str]:
        """Why each file that a complete training has made is not here, by name: sockets, links that lead out."""
        return parse_left_out(self._read(COMPLETION))

    @property
    def log_size(self) -> Mapping[str, Any] | None:
        """How much a complete training has written, as its job has counted.

        There is nothing in it if the job could not note that; it is ``None`` if nobody has counted.
        """
        return parse_log_size(self._read(COMPLETION))

    @property
    def is_complete(self) -> bool:
        """Whether the training has completed and all its files are here."""
        try:
            self.check_complete()
        except ResultArchiveError:
            return False
        return True

    def check_complete(self) -> None:
        """Checks that the training has completed and all its files are here.

        Raises:
            ResultArchiveError: If not, saying what is missing.
        """
        what = f"the archive {str(self.path)!r} is incomplete"
        if COMPLETION not in self._members:
            raise ResultArchiveError(f"{what}: it has no {COMPLETION}, so the training did not run to its end")
        try:
            expected = parse_completion_marker(self._read(COMPLETION))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ResultArchiveError(f"{what}: {COMPLETION} is damaged ({error!r})") from error
        for name, size in expected:
            member = self._members.get(name)
            if member is None or member.is_folder:
                raise ResultArchiveError(f"{what}: the file {name!r} is missing")
            if member.size != size:
                raise ResultArchiveError(f"{what}: {name!r} has {member.size:,} bytes instead of {size:,}")

    def _find(self, member: str) -> ArchiveMember:
        name = str(PurePosixPath(member))
        for each in (name, *other_names(name)):
            if each in self._members:
                return self._members[each]
        raise ResultArchiveError(
            f"the archive {str(self.path)!r} has no member {member!r}; {suggestion(member, self.list())}"
        )

    def _with_needed(self, name: str) -> set[str]:
        """Returns the member, what is below it, and the targets of the links among them."""
        needed: set[str] = set()
        to_do = [name]
        while to_do:
            top = to_do.pop()
            found = {each for each in self._members if each == top or each.startswith(f"{top}/")} - needed
            needed |= found
            for each in found:
                if (target := self._members[each].target) is not None and target not in needed:
                    to_do += [target, *(above for above in _folders(target) if above in self._members)]
        return needed

    def _read(self, name: str) -> bytes:
        path = self.get_path(name)
        try:
            return path.read_bytes()
        except OSError as error:
            raise describe_os_error(f"{name} in {str(self.path)!r} cannot be read: {error.strerror}", error) from error


def _folders(name: str) -> Sequence[str]:
    return [str(folder) for folder in PurePosixPath(name).parents]
