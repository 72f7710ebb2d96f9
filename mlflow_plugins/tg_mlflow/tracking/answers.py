"""What it means if a tracking server, or an artifact store, does not do what it was asked for."""

import re

import requests
from mlflow.exceptions import MlflowException

# MLflow's error codes.
_REFUSAL = "INVALID_PARAMETER_VALUE"
_FINAL_CODES = {
    _REFUSAL,
    "ENDPOINT_NOT_FOUND",
    "FEATURE_DISABLED",
    "NOT_IMPLEMENTED",
    "PERMISSION_DENIED",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_DOES_NOT_EXIST",
    "UNAUTHENTICATED",
}
# MLflow's words for a request that is too large for a proxy in front of the server.
_TOO_LARGE = "error code 413 "
# Of a server that has too much to do, and of a proxy whose server is away.
_PASSING_STATUSES = {429, 502, 503, 504}
# How urllib3 says with which status the last of all answers came.
_LAST_STATUS = re.compile(r"too many (\d{3}) error responses")


def is_refusal(error: Exception) -> bool:
    """Whether a server refuses what a request holds, so that it may take a part of that."""
    return _find_code(error) == _REFUSAL or _TOO_LARGE in str(error)


def is_final(error: Exception) -> bool:
    """Whether asking a server again would give the same answer."""
    return is_refusal(error) or _find_code(error) in _FINAL_CODES


def _find_code(error: Exception) -> str | None:
    return error.error_code if isinstance(error, MlflowException) else None


def is_passing(error: BaseException | None) -> bool:
    """Whether an artifact store that raises this may take the same file later: it is away, or has too much to do."""
    while error is not None:
        if isinstance(error, requests.HTTPError):
            return error.response is not None and error.response.status_code in _PASSING_STATUSES
        if isinstance(error, requests.exceptions.RetryError):
            last = _LAST_STATUS.search(str(error))
            return last is not None and int(last.group(1)) in _PASSING_STATUSES
        if isinstance(error, (requests.ConnectionError, requests.Timeout)):
            return True
        error = error.__cause__ or error.__context__
    return False
