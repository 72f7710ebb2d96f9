"""The errors of the host tree; their roots are in :mod:`tg.common.errors`.

::

    TgError
    ├── ProjectError              the MLflow project does not say what to train
    │   └── BackendConfigError    the backend configuration cannot be understood
    ├── SweepError                a training of a sweep has failed
    ├── TrackingError             the tracking server, or its artifact store, does not answer or refuses a request
    ├── RecordingError            the tracking server did not take what a training said
    ├── LogMissingError           what a training said is not here as a whole
    ├── RunEndedError             another process has ended a run while it was recorded here
    ├── RunNotOursError           a run has no job that could be found again
    │   ├── RunDeletedError       it was deleted
    │   └── RunTakenError         another process records it
    ├── UnservableModelError      a logged model does not predict as the trained one
    └── RegistrationError         the model of a run cannot be registered as its tag asks
"""

import os

from tg.common import JobFailedError, TgError
from tg.common.exception_text import describe_exception, format_messages, format_user_trace, message_of
from tg.common.secrets import SecretMask
from tg.common.system.disk_errors import describe_full_folder


class ProjectError(TgError):
    """The MLflow project does not say what to train, or cannot be read."""


class BackendConfigError(ProjectError):
    """The backend configuration cannot be understood."""


class SweepError(TgError):
    """A training of a sweep has failed; the others went on, unless they were to be stopped."""


class TrackingError(TgError):
    """The tracking server, or its artifact store, does not answer or refuses a request.

    Args:
        message: What the server says, without secrets.
        is_final: Whether asking again would give the same answer.
        is_refusal: Whether the server refuses what the request holds, so that it may take a part of that.
    """

    def __init__(self, message: str, is_final: bool = False, is_refusal: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final
        self.is_refusal = is_refusal


class RecordingError(TgError):
    """The tracking server did not take what a training said; the job and its log are kept."""


class LogMissingError(TgError):
    """What a training said is not here as a whole; what it made is in the run."""


class RunEndedError(TgError):
    """Another process has ended a run while it was recorded here, and removed what was kept of its job."""


class RunNotOursError(TgError):
    """A run has no job that could be found again."""


class RunDeletedError(RunNotOursError):
    """A run was deleted, and records nothing unless it is restored."""


class RunTakenError(RunNotOursError):
    """Another process of this machine records a run now."""


class UnservableModelError(TgError):
    """A logged model does not predict as the trained one where neither its project nor its package is."""


class RegistrationError(TgError):
    """The model of a run cannot be registered as its tag asks, however often it is tried."""


def as_cause(error: BaseException, mask: SecretMask | None = None) -> BaseException | None:
    """Returns an error for ``raise … from``: ``None`` if it, or what led to it, would show a secret in a traceback."""
    text = format_messages(error)
    return error if (mask or SecretMask()).mask(text) == text else None


def format_trace(error: BaseException) -> str:
    """Formats an error with its traceback from where the user's code begins, unless it is all ours."""
    return format_user_trace(error, [os.path.join(os.path.dirname(os.path.abspath(__file__)), "")])


def describe_failure(error: BaseException) -> str:
    """Formats an error as one line, with passwords in URLs masked, and with its type unless it is ours.

    Further lines of a job's error, which are the end of its log, are dropped.
    """
    if isinstance(error, JobFailedError):
        text = str(error).partition("\n")[0]
    else:
        full = describe_full_folder(error) if isinstance(error, OSError) else None
        text = full or (message_of(error) if isinstance(error, TgError) else describe_exception(error))
    return SecretMask().mask(" ".join(text.split()))
