"""Which members of an archive are safe to extract."""

import tarfile
from dataclasses import dataclass
from pathlib import PurePosixPath

# Linux's PATH_MAX. Longer names only serve to mislead code that resolves them.
_LONGEST_NAME = 4096

_FOLDER, _FILE, _LINK = "a folder", "a file", "a link"


class RefusedError(Exception):
    """Why an archive is refused, in words that follow "it is refused: "."""


@dataclass(frozen=True)
class ArchiveMember:
    """A file, folder or link in an archive.

    Attributes:
        name: Its path below the archive's root, without a slash at either end.
        is_folder: Whether it is a folder.
        size: A file's size in bytes.
        target: The name of a link's target; ``None`` for others.
    """

    name: str
    is_folder: bool
    size: int
    target: str | None = None


class MemberCheck:
    """Checks the members of one archive in their order, and refuses those that could escape the folder.

    tarfile's own data filter compares resolved paths, which links can mislead (CVE-2025-4517 and its like), and lets
    absolute paths pass as relative ones. These checks are on the names alone: no member lies below a link, and no link
    leads out, so that nothing else can.

    Args:
        most: The largest number of files and folders.
        top: The folder that contains everything and is stripped from the names; by default, there is none.
    """

    def __init__(self, most: int, top: str | None = None) -> None:
        self._most = most
        self._top = top
        self._kinds: dict[str, str] = {}

    def __call__(self, info: tarfile.TarInfo) -> ArchiveMember | None:
        """Checks a member, and strips ``top`` from its name and from that of a hard link's target.

        Returns:
            The member; ``None`` for the root folder.

        Raises:
            RefusedError: If it is not safe.
        """
        kind, name = _kind(info), self._inside(info.name, info.name)
        if not name:
            if kind != _FOLDER:
                raise RefusedError(f"member {_shown(info.name)} is {kind} in place of the root folder")
            return None
        self._remember(name, kind)
        target = None
        if info.issym():
            target = _symlink_target(name, info.linkname)
        elif info.islnk():
            target = info.linkname = self._inside(info.linkname, info.name)
            if self._kinds.get(target) != _FILE:
                raise RefusedError(f"member {_shown(name)} is a hard link to {target!r}, which is not a file before it")
        info.name = name
        return ArchiveMember(name, kind == _FOLDER, info.size, target)

    def _inside(self, path: str, member: str) -> str:
        """Returns a path below the root as a name; the root's is empty."""
        parts = PurePosixPath(path).parts
        if len(path) > _LONGEST_NAME or "\0" in path:
            raise RefusedError(f"member {_shown(member)} has a name that no file can have")
        if PurePosixPath(path).is_absolute():
            raise RefusedError(f"member {_shown(member)} has the absolute path {_shown(path)}")
        if ".." in parts:
            raise RefusedError(f"member {_shown(member)} has the path {_shown(path)}, which leads out")
        if self._top is not None:
            if parts[:1] != (self._top,):
                raise RefusedError(f"member {_shown(member)} is not below {self._top!r}")
            parts = parts[1:]
        return "/".join(parts)

    def _remember(self, name: str, kind: str) -> None:
        for folder in PurePosixPath(name).parents:
            above = "" if str(folder) == "." else self._kinds.setdefault(str(folder), _FOLDER)
            if above not in ("", _FOLDER):
                raise RefusedError(f"member {_shown(name)} lies below {str(folder)!r}, which is {above}")
        before = self._kinds.get(name)
        if before is not None and not before == kind == _FOLDER:
            raise RefusedError(f"member {_shown(name)} is there twice, as {before} and as {kind}")
        self._kinds[name] = kind
        if len(self._kinds) > self._most:
            raise RefusedError(
                f"it has more than {self._most:,} members; if you trust them, open it with "
                "ResultArchive(…, ArchiveLimits(members=…))"
            )


def _kind(info: tarfile.TarInfo) -> str:
    if info.isdir():
        return _FOLDER
    if info.issym() or info.islnk():
        return _LINK
    if info.isreg() and not info.issparse():
        return _FILE
    kinds = {tarfile.FIFOTYPE: "a fifo", tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device"}
    kind = "a sparse file" if info.issparse() else kinds.get(info.type, f"of the unknown type {info.type!r}")
    raise RefusedError(f"member {_shown(info.name)} is {kind}; only files, folders and links within are taken")


def _symlink_target(name: str, path: str) -> str:
    """Returns the target of a symbolic link. Only leading ``..`` are accepted, whose meaning no other link changes."""
    target, folder = PurePosixPath(path), PurePosixPath(name).parent.parts
    up = next((index for index, part in enumerate(target.parts) if part != ".."), len(target.parts))
    rest = target.parts[up:]
    leads_out = target.is_absolute() or up > len(folder) or ".." in rest
    if leads_out or "\0" in path or not 0 < len(path) <= _LONGEST_NAME:
        raise RefusedError(f"member {_shown(name)} is a link to {_shown(path)}, which leads out")
    return "/".join((*folder[: len(folder) - up], *rest))


def _shown(name: str) -> str:
    return repr(name if len(name) <= 100 else f"{name[:100]}…")
