"""Removes from a finished training's results what no archive can keep, rather than losing them all."""

import os
import stat
from pathlib import Path

_KINDS = {stat.S_IFSOCK: "a socket", stat.S_IFIFO: "a FIFO", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def remove_unkept(folder: Path) -> dict[str, str]:
    """Removes sockets, FIFOs, devices, and links that lead out or to nothing; makes the other links relative.

    An archive of the folder then means the same in every place, whoever writes it.

    Args:
        folder: What becomes the archive.

    Returns:
        Why each was removed, by its path below the folder, as in ``{"latest": "a link to '/tmp/x', outside"}``.

    Raises:
        OSError: If the folder cannot be read or changed.
    """
    root = folder.resolve(strict=True)
    removed = {}
    # Links last: those to what has been removed lead to nothing.
    for find_reason in (_name_kind, _mend_link):
        for path in _walk(root):
            if (reason := find_reason(path, root)) is not None:
                path.unlink()
                removed[path.relative_to(root).as_posix()] = reason
    return removed


def _walk(root: Path) -> list[Path]:
    return [Path(parent, name) for parent, folders, files in os.walk(root) for name in (*folders, *files)]


def _name_kind(path: Path, root: Path) -> str | None:
    return _KINDS.get(stat.S_IFMT(path.lstat().st_mode))


def _mend_link(path: Path, root: Path) -> str | None:
    """Makes a link relative to its folder; returns why it cannot be kept, or ``None``."""
    if not path.is_symlink():
        return None
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):  # a loop is a RuntimeError before Python 3.13
        return f"a link to {os.readlink(path)!r}, which is not there"
    if not target.is_relative_to(root):
        return f"a link to {str(target)!r}, outside"
    relative = os.path.relpath(target, path.parent)
    if os.readlink(path) != relative:
        path.unlink()
        path.symlink_to(relative)
    return None
