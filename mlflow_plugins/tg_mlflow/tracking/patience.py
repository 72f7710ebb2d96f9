"""Asks a tracking server again that is away for a while."""

import logging
import os
import time
from collections.abc import Callable
from typing import TypeVar

from mlflow.exceptions import MlflowException, RestException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    PERMISSION_DENIED,
    RESOURCE_DOES_NOT_EXIST,
    UNAUTHENTICATED,
    ErrorCode,
)

from tg.common.secret_mask import SecretMask
from tg_mlflow.errors import BackendConfigError

_logger = logging.getLogger("mlflow.tg_mlflow")

# So long a tracking server may be away, besides the time that MLflow's own client tries again.
PATIENCE_SECONDS = 300.0
PATIENCE_VARIABLE = "TG_TRACKING_PATIENCE_SECONDS"

_LONGEST_PAUSE_SECONDS = 10
_FINAL_CODES = {
    ErrorCode.Name(code)
    for code in (INVALID_PARAMETER_VALUE, PERMISSION_DENIED, RESOURCE_DOES_NOT_EXIST, UNAUTHENTICATED)
}

T = TypeVar("T")


def read_patience() -> float:
    """Reads from ``TG_TRACKING_PATIENCE_SECONDS`` how long a tracking server may be away; 300 if that is not set.

    Raises:
        BackendConfigError: If it is no number of seconds.
    """
    text = os.environ.get(PATIENCE_VARIABLE) or str(PATIENCE_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = float("nan")
    if not seconds >= 0:
        raise BackendConfigError(f"{PATIENCE_VARIABLE} is {text!r}; give a number of seconds, such as 300")
    return seconds


def patiently(action: Callable[[], T], seconds: float, what: str) -> T:
    """Does something that the tracking server may not take now, again and again, with growing pauses.

    Args:
        action: What is done. It may be done twice, where the server has done it and could not say so.
        seconds: How long the server may be away before it is given up.
        what: What it is that the server takes.

    Raises:
        MlflowException: The server's last answer, or the first one that asking again would not change.
        OSError: Likewise.
    """
    give_up, pause = time.monotonic() + seconds, 0.5
    while True:
        try:
            return action()
        except (MlflowException, OSError) as error:
            if is_final(error) or time.monotonic() + pause > give_up:
                raise
            reason = SecretMask().mask(str(error))
            _logger.warning("The tracking server does not take %s (%s); it is asked again", what, reason)
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def is_refusal(error: MlflowException) -> bool:
    """Whether the server does not want what is in a request, so that it might take a part of that."""
    return bool(error.error_code == ErrorCode.Name(INVALID_PARAMETER_VALUE))


def is_final(error: Exception) -> bool:
    """Whether asking again would give the same answer."""
    if isinstance(error, RestException):
        return error.error_code in _FINAL_CODES
    return isinstance(error, MlflowException) and error.error_code in _FINAL_CODES
