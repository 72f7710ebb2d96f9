"""What the commands of ``tg-mlflow`` share: how they read a configuration, and how they end."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NoReturn

import mlflow
from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_MAX_RETRIES
from mlflow.exceptions import ExecutionException, MlflowException

from tg.common import TgError
from tg.common.secrets import SecretMask
from tg.common.system.disk_errors import is_of_the_disk
from tg_mlflow.console.colours import colour_states
from tg_mlflow.errors import BackendConfigError, TrackingError, describe_failure
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.new_run import find_or_create_experiment
from tg_mlflow.tracking.new_store import open_store
from tg_mlflow.tracking.patience import sending_at_most

_logger = logging.getLogger("mlflow.tg_mlflow")

_RETRIES = 1


@contextmanager
def exiting_on_errors(exit_code: int = 1) -> Iterator[None]:
    """Ends the command with one line and an exit code if an error occurs while the context is open."""
    try:
        yield
    except ExecutionException as error:  # of a backend, which has told the rest; MLflow derives it from its own error
        exit_with(str(error), exit_code)
    except (TrackingError, MlflowException) as error:
        exit_with(
            f"the tracking server at {mlflow.get_tracking_uri()} does not answer as it should: {error}", exit_code
        )
    except TgError as error:
        exit_with(describe_failure(error), exit_code)
    except OSError as error:
        if not is_of_the_disk(error):
            raise
        exit_with(describe_failure(error), exit_code)


@contextmanager
def asking() -> Iterator[None]:
    """As :func:`exiting_on_errors`, for a command that only asks: who waits for it at a terminal is soon told that the
    server is away, unless ``MLFLOW_HTTP_REQUEST_MAX_RETRIES`` says how often to try."""
    is_given = MLFLOW_HTTP_REQUEST_MAX_RETRIES.is_set()
    with exiting_on_errors(), nullcontext() if is_given else sending_at_most(_RETRIES):
        yield


def read_config(text: str | None) -> dict[str, object]:
    """Reads the option ``--backend-config``: a JSON file or JSON text; returns an empty configuration without it.

    Raises:
        BackendConfigError: If it is neither, or not an object.
    """
    if text is None:
        return {}
    try:
        config = json.loads(Path(text).read_text(encoding="utf-8") if text.endswith(".json") else text)
    except (OSError, ValueError) as error:
        raise BackendConfigError(f"--backend-config {text!r} is neither a JSON file nor JSON text: {error}") from error
    if not isinstance(config, dict):
        raise BackendConfigError(f"--backend-config {text!r} holds a {type(config).__name__}; give an object")
    return config


def exit_with(message: str, exit_code: int = 1) -> NoReturn:
    """Ends the command with one line, with passwords in URLs masked, and an exit code."""
    _logger.error("=== %s ===", colour_states(SecretMask().mask(message), sys.stderr))
    sys.exit(exit_code)


def set_experiment(name: str | None) -> str:
    """Activates an experiment, if one is named.

    Returns:
        The active experiment's id.
    """
    open_store()
    if name is not None:
        find_or_create_experiment(TrackingClient(), name)
        mlflow.set_experiment(name)
    return str(mlflow.tracking.fluent._get_experiment_id())
