"""A disk that refuses: what this process does with files of some folders goes wrong in one of five ways."""

import errno
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.integration.seams.faults import Calls, Fate, Fault, OrderedFault
from tests.integration.seams.haste import TIMEOUT_SECONDS

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_RANDOM = re.compile(
    r"\b[a-z]\w*-\d{4}(-\d\d){5}-[0-9a-f]{8}\b|(?<=[-/.])tmp\w{8}\b|\b[0-9a-f]{32}\b|\b\w{8}(?=/|$)|-\w{8}(?=\.tar\.gz$)|(?<=/)\d(?=/|$)"
)
_PACKAGE = re.compile(r"(?<=jobs/\*/)[A-Z][^/]*/?.*")
# One name may stand for all files of a package, hundreds.
_MOST_HANGS = 10
_READING = ("open to read", "os.listdir", "os.scandir")
# What an act is; what else there is, is not heard of: of looking for a file, for example.
_ACTS: Mapping[str, Callable[..., object]] = {
    "open to write": lambda path, *_: os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)),
    "open to read": lambda *_: None,
    "os.listdir": lambda *_: None,
    "os.scandir": lambda *_: None,
    "os.mkdir": lambda path, mode, *_: os.mkdir(path, mode),
    "os.rmdir": lambda path, *_: os.rmdir(path),
    "os.remove": lambda path, *_: os.remove(path),
    "os.rename": lambda source, target, *_: os.replace(source, target),
    "os.link": lambda source, target, *_: os.link(source, target),
    "os.symlink": lambda source, target, *_: os.symlink(source, target),
}


class Disk:
    """Hears of what this process does with files below some folders; for the rest of its life.

    Args:
        folder: Below it are the folders that are heard of, and the file that the names of calls are written to.
        calls: Takes the names, and decides.
    """

    def __init__(self, folder: Path, calls: Calls) -> None:
        self._folder, self._calls = folder, calls
        self._watched = tuple(f"{folder / name}/" for name in ("jobs", "jobs-launchers", "temporary"))
        self._record = os.open(folder / "calls.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._thread = threading.local()
        self._hangs = 0
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" and event not in _ACTS:
            return
        if getattr(self._thread, "is_inside", False) or not isinstance(arguments[0], (str, os.PathLike)):
            return
        path = os.fspath(arguments[0])
        if not isinstance(path, str) or not path.startswith(self._watched):
            return
        self._thread.is_inside = True
        try:
            if event == "open":
                event = "open to write" if (arguments[2] or 0) & _WRITING else "open to read"
            self._meet(event, path, arguments)
        finally:
            self._thread.is_inside = False

    def _meet(self, act: str, path: str, arguments: tuple[Any, ...]) -> None:
        name = f"{act} {_PACKAGE.sub('<package>', _RANDOM.sub('*', os.path.relpath(path, self._folder)))}"
        is_new = name not in self._calls.names
        fate = self._calls.take(name)
        if is_new:
            os.write(self._record, f"{name}\n".encode())
        if fate is Fate.PASSES:
            return
        if fate is Fate.HANGS:
            self._hangs += 1  # in several threads, perhaps once too often
            if self._hangs <= _MOST_HANGS:
                time.sleep(TIMEOUT_SECONDS)  # a disk that never answers is beyond all help
            return
        if fate is Fate.LOST:
            with suppress(IsADirectoryError):  # a file without a name leaves nothing
                _ACTS[act](*arguments)
        number = errno.EIO if fate is Fate.LOST or act in _READING else errno.ENOSPC
        raise OSError(number, os.strerror(number), path)


def break_disk(order: str) -> None:
    """Lets this process's files go wrong as it is ordered, in JSON."""
    content = json.loads(order)
    fault, calls = content["fault"], Calls()
    if fault is not None:
        calls.ordered = OrderedFault(Fault(fault), content["call"], content["spared"])
    Disk(Path(content["folder"]), calls)
