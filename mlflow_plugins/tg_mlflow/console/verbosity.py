"""How much of a training is shown."""

import os
from enum import Enum

import click

from tg_mlflow.errors import BackendConfigError

VARIABLE = "TG_VERBOSITY"


class Verbosity(Enum):
    """How much of a job's output the console shows; the log in the run has all of it."""

    QUIET = "quiet"  # nothing of the output
    NORMAL = "normal"  # what the training says
    VERBOSE = "verbose"  # the whole log


def read_verbosity() -> Verbosity:
    """Reads the variable ``TG_VERBOSITY``; normal without it.

    Raises:
        BackendConfigError: If it has another value.
    """
    text = os.environ.get(VARIABLE) or Verbosity.NORMAL.value
    try:
        return Verbosity(text)
    except ValueError:
        names = ", ".join(each.value for each in Verbosity)
        raise BackendConfigError(f"{VARIABLE} is {text!r}; give one of {names}") from None


def say_start(uri: str, backend: str) -> None:
    """Says on stderr that something happens, before what takes seconds is imported; unless --quiet."""
    if os.environ.get(VARIABLE) != Verbosity.QUIET.value:
        click.echo(f"Preparing {uri!r} for {backend} ...", err=True)
