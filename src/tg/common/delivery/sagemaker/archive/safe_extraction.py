"""Reads archives that may be hostile: lists their members, and extracts them into a folder and nowhere else."""

import gzip
import os
import shutil
import sys
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import ResultArchiveError
from ....system.tar_extraction import extract_member
from .entries import describe_os_error
from .safe_member import ArchiveMember, MemberCheck, RefusedError
from .safe_stream import ChunkStream, ForwardReader

_END_BLOCK = bytes(tarfile.BLOCKSIZE)


@dataclass(frozen=True)
class ArchiveLimits:
    """How much an archive may contain. It is too large only if it exceeds both ``size_bytes`` and ``ratio``.

    Attributes:
        size_bytes: The size that is always allowed, uncompressed.
        ratio: How many times its compressed size an archive may be.
        members: How many files and folders it may have.
    """

    size_bytes: int = 1 << 30
    ratio: int = 200
    members: int = 100_000


DEFAULT_LIMITS = ArchiveLimits()
# Of the results of a job of one's own, which have any size. A ``.tar.gz`` is read in constant memory, but for the names
# of its members, and has at most a thousand times its compressed size.
OWN_LIMITS = ArchiveLimits(size_bytes=sys.maxsize, members=10_000_000)


def scan_archive(path: Path, limits: ArchiveLimits = DEFAULT_LIMITS) -> list[ArchiveMember]:
    """Reads a ``.tar.gz`` to its end, checksum included, and returns its members in their order.

    Raises:
        ResultArchiveError: If it is missing, damaged, truncated, too large, or would write outside the folder into
            which it is extracted.
    """
    with _open(path, limits) as members:
        return [member for _, _, member in members]


def extract_archive(
    path: Path, folder: Path, wanted: Set[str] | None = None, limits: ArchiveLimits = DEFAULT_LIMITS
) -> None:
    """Extracts a ``.tar.gz``.

    Args:
        path: The archive.
        folder: Where to; it must not exist, and does not exist afterwards if this fails.
        wanted: The members to extract, by default all.
        limits: How large it may be.

    Raises:
        ResultArchiveError: As :func:`scan_archive` does, and if the disk is full or a wanted member is missing.
    """
    with _open(path, limits) as members:
        _extract(members, folder, wanted)


def extract_tar_stream(chunks: Iterable[bytes], folder: Path, top: str, limits: ArchiveLimits = DEFAULT_LIMITS) -> None:
    """Extracts an uncompressed tar that arrives in chunks.

    Args:
        chunks: Its bytes.
        folder: Where to; it must not exist, and does not exist afterwards if this fails.
        top: The folder in the tar that holds everything; it becomes ``folder``.
        limits: How many members it may have; its size is that of its chunks.

    Raises:
        ResultArchiveError: As :func:`extract_archive` does.
    """
    what = f"the tar stream of {top!r}"
    with _translated(what):
        _extract(_read(ForwardReader(ChunkStream(chunks)), MemberCheck(limits.members, top)), folder, None)


_Members = Iterator[tuple[tarfile.TarFile, tarfile.TarInfo, ArchiveMember]]


@contextmanager
def _open(path: Path, limits: ArchiveLimits) -> Iterator[_Members]:
    with _translated(f"the archive {str(path)!r}"), path.open("rb") as file:
        limit = max(limits.size_bytes, limits.ratio * path.stat().st_size)
        with gzip.GzipFile(fileobj=file, mode="rb") as content:
            yield _read(ForwardReader(content, limit), MemberCheck(limits.members))


def _read(reader: ForwardReader, check: MemberCheck) -> _Members:
    """Yields each member once it is checked and until the next one is asked for."""
    source: Any = reader  # tarfile only reads, seeks and tells
    with tarfile.open(fileobj=source, mode="r:", encoding="utf-8") as archive:
        while (info := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # they would fill the memory
            member = check(info)
            if member is not None:
                yield archive, info, member
    # tarfile takes a damaged header for the end.
    if reader.last != _END_BLOCK:
        raise EOFError
    reader.drain()


def _extract(members: _Members, folder: Path, wanted: Set[str] | None) -> None:
    missing = None if wanted is None else set(wanted)
    folder_times: dict[str, float] = {}
    folder.mkdir()
    try:
        for archive, info, member in members:
            if missing is None or member.name in missing:
                extract_member(archive, info, folder)
                if member.is_folder:
                    folder_times[member.name] = info.mtime
            if missing is not None:
                missing.discard(member.name)
                if not missing:
                    break
        if missing:
            raise RefusedError(f"there is no member {min(missing)!r} in it any more")
        # What came into a folder has changed its time.
        for name, seconds in folder_times.items():
            os.utime(folder / name, (seconds, seconds), follow_symlinks=False)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except RefusedError as error:
        raise ResultArchiveError(f"{what} is refused: {error}") from error
    except EOFError as error:
        raise ResultArchiveError(f"{what} is truncated or damaged; fetch it again") from error
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, ValueError, OverflowError, RecursionError) as error:
        raise ResultArchiveError(f"{what} is damaged, or no such archive ({error}); fetch it again") from error
    except OSError as error:
        raise describe_os_error(f"{what} cannot be read or extracted: {error.strerror or error}", error) from error
