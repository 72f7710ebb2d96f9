"""Opens a database of runs so that several processes may make its tables at the same moment."""

import fcntl
import functools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.db.db_types import DATABASE_ENGINES


def open_store(tracking_uri: str | None = None) -> str:
    """Opens a tracking server's store, if it is a database, while no other process of this machine makes its tables.

    MLflow makes them without a lock, and two processes at once leave a database that nobody can use.

    Args:
        tracking_uri: The tracking server; by default, the one that MLflow's settings name.

    Returns:
        Its address.

    Raises:
        MlflowException: If the database cannot be used.
    """
    uri = tracking_uri or mlflow.get_tracking_uri()
    if uri.partition(":")[0].partition("+")[0] in DATABASE_ENGINES:
        _open_database(uri)
    return uri


@functools.cache
def _open_database(uri: str) -> None:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with _locked(Path(make_url(uri).database or "").parent if uri.startswith("sqlite") else None):
            MlflowClient(uri)
    except (SQLAlchemyError, MlflowException) as error:
        reason = str(error).strip().partition("\n")[0]
        raise MlflowException(f"the database cannot be opened: {reason}; see `mlflow db --help`") from error


@contextmanager
def _locked(folder: Path | None) -> Iterator[None]:
    """Locks the folder of a database, or else that of temporary files: a folder, so that no file of a lock is left."""
    descriptor = None
    with suppress(OSError):
        descriptor = os.open(folder or tempfile.gettempdir(), os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
