"""Opens a database of runs so that several processes may make its tables at the same moment."""

import functools
import hashlib
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.db.db_types import DATABASE_ENGINES


def open_store(tracking_uri: str | None = None) -> str:
    """Opens a tracking server's store, if it is a database, while no other process of this machine makes its tables.

    MLflow makes them without a lock, and two processes at once leave a database that nobody can use. Its own server
    takes the same lock.

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
    from mlflow.utils.file_utils import ExclusiveFileLock
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        name = hashlib.md5(str(make_url(uri)).encode(), usedforsecurity=False).hexdigest()
        with ExitStack() as holding:
            with suppress(OSError):  # of another user's lock
                holding.enter_context(ExclusiveFileLock(str(Path(tempfile.gettempdir(), f"db_init_lock-{name}"))))
            MlflowClient(uri)
    except (SQLAlchemyError, MlflowException) as error:
        reason = str(error).strip().partition("\n")[0]
        raise MlflowException(f"the database cannot be opened: {reason}; see `mlflow db --help`") from error
