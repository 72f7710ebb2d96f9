"""A file for each run that is recorded on this machine: locked while its launcher lives, and left behind by a crash."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tg.common.delivery.sagemaker.job_files.job_storage import jobs_path
from tg.common.errors import StorageError
from tg.common.secrets import SecretMask
from tg.common.system.process_mark import is_gone, mark_process
from tg_mlflow.errors import RunTakenError

_LOOKS = 10
_LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Crash:
    """A launcher that ended without ending its recording, as after a crash or kill -9.

    Attributes:
        run_id: The run that it recorded.
        pid: The id that the process had.
        is_in_process: Whether it trained in its own process, so that the training has ended with it.
    """

    run_id: str
    pid: int
    is_in_process: bool


@contextmanager
def holding_launcher_file(run_id: str, tracking_uri: str, is_in_process: bool) -> Iterator[None]:
    """Lets no other process of this machine record a run while the context is open.

    Where the file cannot be kept, as on a full disk, the context is open without it.

    Raises:
        RunTakenError: If another process records it.
    """
    path, file = _folder() / run_id, None
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = _lock(path)
        if file is None and (holder := _find_holder(path)) is not None:
            raise RunTakenError(
                f"run {run_id!r} is recorded by process {holder['pid']} now; wait for it, or stop it with "
                f"`tg-mlflow cancel {run_id}`"
            )
    try:
        if file is not None:
            own = {"pid": os.getpid(), "mark": mark_process(), "is_in_process": is_in_process}
            with suppress(OSError):
                os.ftruncate(file, 0)
                os.write(file, json.dumps({**own, "tracking_uri": SecretMask().mask(tracking_uri)}).encode())
        yield
    finally:
        if file is not None:
            _remove(path, file)


def find_crashes(tracking_uri: str) -> list[Crash]:
    """Lists the launchers that have crashed while they recorded in a tracking server; asks nobody."""
    try:
        paths = sorted(_folder().iterdir())
    except (OSError, StorageError):
        return []
    found, masked = list[Crash](), SecretMask().mask(tracking_uri)
    for path in paths:
        holder = _read(path)
        if holder is not None and holder.get("tracking_uri") == masked and is_gone(holder["mark"]):
            found.append(Crash(path.name, holder["pid"], bool(holder.get("is_in_process"))))
    return found


def forget_crash(run_id: str) -> None:
    """Removes the file of a run that was settled, unless it is recorded again."""
    path = _folder() / run_id
    with suppress(OSError):
        if path.exists() and (file := _lock(path)) is not None:
            _remove(path, file)


def _folder() -> Path:
    return jobs_path().with_name(f"{jobs_path().name}-launchers")


def _lock(path: Path) -> int | None:
    """Opens and locks a file, which is made if need be; ``None`` if another process has locked it."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, file):
                return file
        except OSError as error:
            os.close(file)
            if isinstance(error, BlockingIOError):
                return None
            raise
        os.close(file)  # its holder has removed it meanwhile


def _find_holder(path: Path) -> dict[str, Any] | None:
    """Finds the process that has locked a file, which it writes a moment later; ``None`` if only its workers live."""
    for _ in range(_LOOKS):
        if (holder := _read(path)) is not None and not is_gone(holder["mark"]):
            return holder
        time.sleep(_LOOK_SECONDS)
    return None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None  # it is being written, or not ours
    is_ours = isinstance(content, dict) and isinstance(content.get("pid"), int) and isinstance(content.get("mark"), str)
    return content if is_ours else None


def _remove(path: Path, file: int) -> None:
    with suppress(OSError):
        if _is_at(path, file):
            path.unlink()
        path.parent.rmdir()  # unless there are others
    os.close(file)


def _is_at(path: Path, file: int) -> bool:
    return path.exists() and os.path.samestat(os.fstat(file), path.stat())
