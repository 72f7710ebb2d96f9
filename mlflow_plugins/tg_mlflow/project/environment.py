"""The variables in a project's ``environment.env``, set while the project runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dotenv

from tg_mlflow.errors import ProjectError

FILE_NAME = "environment.env"


@contextmanager
def project_environment(folder: Path) -> Iterator[None]:
    """Sets the variables of ``environment.env`` in ``folder``, if there is one; those already set stay as they are.

    When the context is left, the variables are unset again, so that two projects in one process do not mix.

    Raises:
        ProjectError: If the file cannot be read.
    """
    added = {name: value for name, value in read_environment(folder).items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def read_environment(folder: Path) -> dict[str, str]:
    """Reads ``environment.env`` in ``folder``; returns nothing without one.

    Raises:
        ProjectError: If the file cannot be read.
    """
    path = folder / FILE_NAME
    try:
        values = dotenv.dotenv_values(path) if path.is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"{path} cannot be read: {error}") from error
    return {name: value for name, value in values.items() if value is not None}
