"""All errors of this library, as one tree.

::

    TgError
    ├── TrainingError             the training itself cannot go on
    │   ├── CheckpointError       a training's checkpoints cannot be read
    │   ├── CommandFailedError    the command that is the training did not succeed
    │   ├── DatasetError          the data are missing or unfit for this task
    │   ├── HyperparameterError   a hyperparameter names nothing, or its value does not fit
    │   └── TaskDefinitionError   the task's parts do not fit together
    └── DeliveryError             a task cannot be brought to its place, or its results cannot be brought back
        ├── PackagingError        the code or the objects cannot be packaged
        ├── ImageBuildError       the image cannot be built or pushed
        ├── ContainerError        the container engine cannot be used as asked
        ├── JobFailedError        the training was started and did not succeed
        │   └── JobStoppedError   it was stopped before its end
        ├── JobMissingError       there is no such job, or nothing of it is left
        ├── JobUnreachableError   the training goes on, but cannot be followed any more
        ├── ResultArchiveError    the archive is incomplete, damaged or hostile
        └── StorageError          this machine's disk does not take, or give, what belongs to a job

Every message is one line that a user can act on: what is wrong, the value, what to do next. A program that shows it
needs no traceback. :func:`listed` and :func:`suggestion` word the last part alike everywhere.
"""

import difflib
from collections.abc import Iterable


class TgError(Exception):
    """The root of the tree."""


class TrainingError(TgError):
    """The training itself cannot go on."""


class CheckpointError(TrainingError):
    """A training has checkpoints, and none of them can be read."""


class CommandFailedError(TrainingError):
    """The command that is the training could not be started, or did not succeed.

    Attributes:
        exit_code: With which the job ends, too: from 1 to 255, 128 and its number for a signal.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class DatasetError(TrainingError, ValueError):
    """The data are missing or unfit for this task."""


class HyperparameterError(TrainingError):
    """A hyperparameter names nothing in the task, or its value does not fit."""


class TaskDefinitionError(TrainingError):
    """The parts of a task do not fit together."""


class DeliveryError(TgError):
    """A task cannot be brought to its place, or its results cannot be brought back."""


class PackagingError(DeliveryError):
    """The code or the objects cannot be packaged."""


class ImageBuildError(DeliveryError):
    """The image cannot be built or pushed."""


class ContainerError(DeliveryError):
    """The container engine cannot be reached or used as asked."""


class JobFailedError(DeliveryError):
    """The training was started and did not succeed."""


class JobStoppedError(JobFailedError):
    """The training was stopped before its end."""


class JobMissingError(DeliveryError):
    """There is no such job, or nothing of it is left; other errors do not say whether there is one."""


class JobUnreachableError(DeliveryError):
    """The training goes on, but cannot be followed any more; it is not to be stopped for that."""


class ResultArchiveError(DeliveryError):
    """The archive of a training's results is incomplete, damaged or hostile."""


class StorageError(DeliveryError):
    """This machine's disk does not take, or give, what belongs to a job: it is full, for example."""


def listed(values: Iterable[object], most: int = 20) -> str:
    """Formats the values to choose from, ``'a', 'b', …``; ``nothing`` if there are none."""
    values = list(values)
    return (", ".join(map(repr, values[:most])) or "nothing") + (", …" if len(values) > most else "")


def suggestion(name: str, known: Iterable[object]) -> str:
    """Suggests what a mistyped ``name`` may have meant, or else lists the choices."""
    names = [str(each) for each in known]
    # Ignoring case: `c` matches `C` exactly.
    by_lower_case = {each.lower(): each for each in names}
    close = difflib.get_close_matches(name, names, n=1) or [
        by_lower_case[each] for each in difflib.get_close_matches(name.lower(), by_lower_case, n=1)
    ]
    return f"did you mean {close[0]!r}?" if close else f"there is {listed(names)}"
