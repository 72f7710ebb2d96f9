"""Compiles the modules of a package, which jobs would otherwise do each time that they start, for 0.3 seconds."""

import hashlib
import importlib.util
import marshal
import os
import posixpath
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ....errors import StorageError
from ....system.old_files import remove_old_files
from ....system.user_folders import FolderKind, find_user_folder

_CHECKSUM_BYTES = hashlib.sha256().digest_size
# The header of a file that belongs to its source whatever the times of both are, as PEP 552 has it.
_HEADER = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")


def compile_modules(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Compiles modules for this Python. What has been compiled once is kept for the next package.

    Args:
        files: Files by their paths; those that are no modules, or cannot be compiled, are passed over.

    Returns:
        The compiled modules by the paths where Python looks for them.
    """
    kept = _find_folder()
    compiled = {}
    for path, source in files.items():
        if path.endswith(".py"):
            with suppress(SyntaxError, ValueError):  # whoever imports it is told
                folder, name = posixpath.split(path)
                stem = name.removesuffix(".py")
                target = posixpath.join(folder, "__pycache__", f"{stem}.{sys.implementation.cache_tag}.pyc")
                compiled[target] = _compile(source, path, kept)
    return compiled


def remove_old_modules() -> int:
    """Removes what was compiled long ago, as most packages change; the rest is compiled again.

    Returns:
        How many modules.
    """
    kept = _find_folder()
    return 0 if kept is None else remove_old_files(Path(kept).glob("*/*"))


def _compile(source: bytes, path: str, kept: str | None) -> bytes:
    """Returns what is kept for a source, or compiles it and keeps that, if it can be kept."""
    # Python replaces the path in it by that of the file that it finds; it is never one of this machine.
    name = hashlib.sha256(_HEADER + path.encode() + b"\0" + source).hexdigest()
    file = None if kept is None else os.path.join(kept, name[:2], name)
    if file is not None:
        with suppress(OSError), open(file, "rb") as opened:
            checksum, content = opened.read(_CHECKSUM_BYTES), opened.read()
            if hashlib.sha256(content).digest() == checksum:
                return content
    code = compile(source, path, "exec", dont_inherit=True)
    content = _HEADER + importlib.util.source_hash(source) + marshal.dumps(code)
    if file is not None:
        with suppress(OSError):
            _keep(hashlib.sha256(content).digest() + content, Path(file))
    return content


def _keep(content: bytes, target: Path) -> None:
    """Writes a file at once, but does not wait for the disk: a damaged one is made anew."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        try:
            file.write(content)
            file.close()
            os.replace(file.name, target)
        except BaseException:
            os.unlink(file.name)
            raise


def _find_folder() -> str | None:
    try:
        return str(find_user_folder(FolderKind.CACHE, "bytecode"))
    except StorageError:
        return None
