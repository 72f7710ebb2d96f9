"""The files of a training's checkpoints."""

import hashlib
import io
import json
import pickle
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from ...errors import CheckpointError, TaskDefinitionError
from ...exception_text import describe_exception
from ...logger import Logger
from ...system.replaced_file import replacing_file
from .checkpoint import Checkpoint

# Ours, in a folder where a training may keep files of its own.
FOLDER_NAME = "tg-mlflow"

_FORMAT = 1
_LEAST_KEPT = 3
_CHUNK_BYTES = 1 << 20
_NO_CLASS = re.compile(r"Can't get attribute '(?P<name>[^']+)' on <module '(?P<module>[^']+)'")
_RESTORE = "restore it, or go on with the project as it was: tg-mlflow resume"
_NAME = re.compile(r"\.?(\d{6,})\.(?:json|pkl)(\..+)?")


class StatePickles:
    """Pickles states, which refer to classes by the names that their modules have here.

    Attributes:
        package: The package whose modules the pickles refer to; empty if these have their own names.
    """

    package = ""

    def dump(self, state: Any, file: IO[bytes]) -> None:
        """Pickles into ``file``."""
        pickle.dump(state, file, pickle.DEFAULT_PROTOCOL)

    def load(self, file: IO[bytes], package: str) -> Any:
        """Unpickles what :meth:`dump` has written, here or in another version of the package.

        Args:
            file: The pickle.
            package: What :attr:`package` was when it was written.
        """
        return pickle.load(file)


@dataclass(frozen=True)
class KeptCheckpoint:
    """A checkpoint that was read.

    Attributes:
        checkpoint: Its step and its state.
        notes: What was written beside them.
    """

    checkpoint: Checkpoint
    notes: Mapping[str, Any]


class CheckpointFolder:
    """Keeps the last checkpoints of a training, each as a file with its state and a marker, which is written last.

    A checkpoint counts once its marker is there and its state is as the marker says: a disk that was full, or a copy
    that was made file by file and not to its end, leaves others. One process writes, any number may read.

    Args:
        folder: The folder, which is made when it is needed.
        pickles: How states are pickled.
        kept: How many checkpoints are kept.
    """

    def __init__(self, folder: Path, pickles: StatePickles | None = None, kept: int = _LEAST_KEPT) -> None:
        self.path = folder
        self._pickles = pickles or StatePickles()
        self._kept = kept
        self._unreadable = set[int]()
        self._unknown = set[int]()  # whole, but not to be loaded by this code

    def save(self, state: Any, step: int, notes: Mapping[str, Any] | None = None) -> None:
        """Writes a checkpoint, and removes older ones.

        Args:
            state: The state.
            step: How many steps are done.
            notes: What else JSON can represent.

        Raises:
            TaskDefinitionError: If the state cannot be pickled.
            CheckpointError: If it cannot be written; those before are left then.
        """
        try:
            self._write(state, step, dict(notes or {}))
        except OSError as error:
            raise CheckpointError(
                f"the checkpoint of step {step} cannot be written to {str(self.path)!r}: {_describe(error)}; make room "
                "or bring the folder back, or name another one"
            ) from error
        self._remove_old()

    def _write(self, state: Any, step: int, notes: Mapping[str, Any]) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        number = max(self._list_files(), default=0) + 1
        with replacing_file(self._state_file(number)) as file:
            written = _DigestedFile(file)
            try:
                self._pickles.dump(state, cast(IO[bytes], written))
            except OSError:
                raise
            except Exception as error:
                raise TaskDefinitionError(
                    f"the state of step {step} cannot be pickled: {describe_exception(error)}; save values that "
                    "can be, such as a state_dict"
                ) from error
        marker = {
            "format": _FORMAT,
            "step": step,
            "size": written.size,
            "sha256": written.sha256,
            "package": self._pickles.package,
            "notes": notes,
        }
        with replacing_file(self._marker(number)) as file:
            file.write(json.dumps(marker).encode())

    def load_latest(self) -> KeptCheckpoint | None:
        """Reads the last checkpoint that can be read; says of later ones why they cannot.

        Returns:
            ``None`` if there is none.

        Raises:
            CheckpointError: If there are checkpoints, and none of them can be read; or if the machine cannot read one.
        """
        while True:
            numbers, reason = self._list_markers(), ""
            advice = "bring one back, or remove this folder to train from the beginning"
            for number in reversed(numbers):
                try:
                    return self._load(number)
                except _UnreadableError as error:
                    if not self._marker(number).exists():
                        continue  # the process that writes has removed it meanwhile
                    (self._unreadable if error.is_damaged else self._unknown).add(number)
                    if not reason:
                        reason, advice = str(error), error.advice or advice
                    Logger.warning(f"Checkpoint {number} cannot be read: {error}")
            if numbers == self._list_markers():
                break
        if numbers:
            raise CheckpointError(
                f"there are {len(numbers)} checkpoints in {str(self.path)!r}, and none of them can be read: the last "
                f"one {reason}; {advice}"
            )
        if self._list_files():
            Logger.warning("The first checkpoint was not written to its end: the training starts from the beginning")
        return None

    def read_latest_notes(self) -> Mapping[str, Any]:
        """Reads the notes of the last checkpoint whose marker can be read, without its state; empty without one."""
        for number in reversed(self._list_markers()):
            with suppress(OSError, ValueError, KeyError, TypeError):
                return dict(json.loads(self._marker(number).read_bytes())["notes"])
        return {}

    def _load(self, number: int) -> KeptCheckpoint:
        try:
            marker = json.loads(self._marker(number).read_bytes())
            if marker["format"] != _FORMAT:
                reason = f"has the format {marker['format']!r}, which this version does not know"
                raise _UnreadableError(reason, is_damaged=False)
            with self._state_file(number).open("rb") as file:
                digested = _DigestedFile(io.BytesIO())
                while chunk := file.read(_CHUNK_BYTES):
                    digested.count(chunk)
                if digested.size != marker["size"]:
                    raise _UnreadableError(f"has {digested.size:,} of its {marker['size']:,} bytes")
                if digested.sha256 != marker["sha256"]:
                    raise _UnreadableError("is damaged: its SHA-256 is another one")
                file.seek(0)
                state = self._load_state(file, marker["package"])
            return KeptCheckpoint(Checkpoint(int(marker["step"]), state), dict(marker["notes"]))
        except _UnreadableError:
            raise
        except FileNotFoundError as error:
            raise _UnreadableError("has no state: its file has not arrived, or was removed") from error
        except (OSError, MemoryError) as error:  # it may be whole: an older one in its place would be a step back
            raise CheckpointError(
                f"checkpoint {number} in {str(self.path)!r} cannot be read here: {_describe(error)}; mend that, and "
                "resume the training"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise _UnreadableError(f"is damaged: {describe_exception(error)}") from error

    def _load_state(self, file: IO[bytes], package: str) -> Any:
        try:
            return self._pickles.load(file, package)
        except (OSError, MemoryError):
            raise
        except Exception as error:
            if (name := self._find_lacking(error)) is not None:
                reason, advice = f"needs {name}, which this project does not have", _RESTORE
            else:
                reason, advice = f"cannot be loaded: {describe_exception(error)}", ""
            raise _UnreadableError(reason, advice, is_damaged=False) from error

    def _find_lacking(self, error: Exception) -> str | None:
        """Finds the class or module that a state needs and that is not here, by its own name."""
        if isinstance(error, AttributeError) and (match := _NO_CLASS.match(str(error))):
            name = f"{match['module']}.{match['name']}"
        elif isinstance(error, ImportError) and error.name:
            name = error.name
        else:
            return None
        package = self._pickles.package
        return name.removeprefix(f"{package}.") if package else name

    def _remove_old(self) -> None:
        """Removes all but the last checkpoints that can be read, and what was not written to its end."""
        readable = [number for number in self._list_markers() if number not in self._unreadable | self._unknown]
        kept = {*readable[-self._kept :], *self._unknown}
        for number, files in self._list_files().items():
            # The marker goes first, so that none is left without its file.
            for file in sorted(files, key=lambda each: each.suffix != ".json"):
                if number not in kept or file.name.startswith("."):
                    with suppress(OSError):
                        file.unlink()

    def _list_markers(self) -> list[int]:
        files = self._list_files()
        return sorted(number for number in files if self._marker(number) in files[number])

    def _list_files(self) -> dict[int, list[Path]]:
        """Lists our files by their checkpoints' numbers, those that were not written to their end included."""
        found: dict[int, list[Path]] = {}
        try:
            for file in self.path.iterdir():
                if match := _NAME.fullmatch(file.name):
                    found.setdefault(int(match[1]), []).append(file)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise CheckpointError(
                f"the checkpoints in {str(self.path)!r} cannot be listed: {error.strerror}; make the folder readable"
            ) from error
        return found

    def _state_file(self, number: int) -> Path:
        return self.path / f"{number:06}.pkl"

    def _marker(self, number: int) -> Path:
        return self.path / f"{number:06}.json"


class _UnreadableError(Exception):
    """Says why a checkpoint cannot be read, what to do, and whether it is of no use to any code."""

    def __init__(self, reason: str, advice: str = "", is_damaged: bool = True) -> None:
        super().__init__(reason)
        self.advice = advice
        self.is_damaged = is_damaged


def _describe(error: Exception) -> str:
    return getattr(error, "strerror", None) or describe_exception(error)


class _DigestedFile(io.RawIOBase):
    """Passes on what is written, and digests it."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self.size = 0
        self._file = file
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def count(self, data: Any) -> None:
        self.size += memoryview(data).nbytes
        self._digest.update(data)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.count(data)
        self._file.write(data)
        return memoryview(data).nbytes
