"""Checks of MLflow's tracking store: whether it can be reached, and written to."""

import os
import re
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

import mlflow
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.store.db.db_types import DATABASE_ENGINES
from mlflow.utils.rest_utils import http_request
from mlflow.version import VERSION
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.diagnosis.check import Check, Finding
from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.patience import sending_at_most
from tg_mlflow.tracking.search import search_own_runs
from tg_mlflow.tracking.tags import OWN_PREFIX

_STORE = "reachable"
_SETTING = "set MLFLOW_TRACKING_URI, or start the server, as with `mlflow server`"
_SLOW_SECONDS = 1
_LOCK_SECONDS = 2
_OLDEST = 3  # the major version since which servers keep models of runs as such
_SECONDS = 20
_NOT_ALLOWED = "PERMISSION_DENIED"  # MLflow's error code
# In the long message of a connection that has failed.
_NO_CONNECTION = re.compile(r"\[Errno -?\d+\] ([^'\")]+)")


def list_store_checks() -> Iterator[Check]:
    """Lists what every training needs of the tracking store that MLflow's settings name."""
    store = _Store()
    remedy = f"see whether the network lets {store.uri} be reached, or set MLFLOW_TRACKING_URI to another store"
    yield Check(_STORE, store.find, (), _SECONDS, remedy)
    yield Check("writable", store.find_writable, (_STORE,), _SECONDS, remedy)


class _Store:
    """The store. One of files that is not there yet is not made."""

    def __init__(self) -> None:
        self.uri = mlflow.get_tracking_uri()

    @cached_property
    def _client(self) -> TrackingClient:
        return TrackingClient(self.uri, patience_seconds=0)

    @cached_property
    def _path(self) -> Path | None:
        """The file, or the folder, of a store on this machine."""
        scheme, _, rest = self.uri.partition("://")
        if scheme.partition("+")[0] == "sqlite":
            return Path(rest.partition("?")[0].removeprefix("/") or "/")
        parts = urlsplit(self.uri)
        return Path(unquote(parts.path)) if parts.scheme in ("", "file") else None

    @cached_property
    def _has_no_tables(self) -> bool:
        """Whether it is a database in which MLflow's client would make the tables."""
        if self.uri.partition(":")[0].partition("+")[0] not in DATABASE_ENGINES:
            return False
        engine = create_engine(self.uri)
        try:
            return not inspect(engine).has_table("experiments")
        finally:
            engine.dispose()

    def find(self) -> Finding:
        return self._find_new() or self._measure()

    def _find_new(self) -> Finding | None:
        """Says what the first run would make, which a check must not do; ``None`` if the store is there."""
        try:
            if self._path is not None and not self._path.exists():
                if not self.uri.startswith("sqlite"):
                    _try_folder()
                return Finding.ok(f"{self.uri} is not there yet; the first run makes it")
            if self._has_no_tables:
                return Finding.ok(f"{self.uri} has no tables yet; the first run makes them")
        except (SQLAlchemyError, TrackingError) as error:
            reason = str(error).partition("\n")[0]
            return Finding.problem(f"{self.uri} cannot be used: {reason}", _SETTING)
        except ModuleNotFoundError as error:  # that of the database's driver
            return Finding.problem(f"{self.uri} needs the Python package {error.name!r}", f"pip install {error.name}")
        return None

    def _measure(self) -> Finding:
        with sending_at_most(retries=0):
            try:
                self._client.search_experiments(max_results=1)  # connects
                start = time.monotonic()
                self._client.search_experiments(max_results=1)
                seconds = time.monotonic() - start
            except TrackingError as error:
                reason = _NO_CONNECTION.search(str(error))
                said = f"{self.uri} does not answer" + (f": {reason[1]}" if reason else f" as it should: {error}")
                return Finding.problem(said, _SETTING)
            version = self._read_version()
        found = f"{self.uri} answers in {seconds * 1000:.0f} ms" + (f"; MLflow {version}" if version else "")
        if version and int(version.partition(".")[0]) < _OLDEST:
            return Finding.warning(f"{found}, and {VERSION} here", f"install mlflow>={_OLDEST} where the server runs")
        if seconds > _SLOW_SECONDS:
            return Finding.warning(f"{found}, which is slow", "use a server, or a database, that is nearer")
        return Finding.ok(found)

    def _read_version(self) -> str | None:
        """Asks a server for its version; ``None`` if it does not tell, or the store is none."""
        if urlsplit(self.uri).scheme not in ("http", "https"):
            return None
        with suppress(MlflowException, OSError):
            creds = self._client._tracking_client.store.get_host_creds()
            answer = http_request(creds, "/version", "GET", max_retries=0, raise_on_status=False)
            if answer.status_code == 200 and re.fullmatch(r"\d+\.\d+[\w.+-]*", text := answer.text.strip()):
                return str(text)
        return None

    def find_writable(self) -> Finding:
        if self._path is None:
            if self._has_no_tables:
                return Finding.skipped("not checked, as it has no tables yet")
            with sending_at_most(retries=0):
                return try_writing(self._client)
        existing = next((each for each in (self._path, *self._path.parents) if each.exists()), None)
        if existing is None or not os.access(existing, os.W_OK):
            return Finding.problem(
                f"{str(self._path)!r} cannot be written to", "set MLFLOW_TRACKING_URI to another one"
            )
        return _lock_database(self._path) if self._path.is_file() else Finding.ok("yes")


def _try_folder() -> None:
    """Makes a store of files where nothing of it stays.

    Raises:
        TrackingError: If this MLflow makes none any more.
    """
    with temporary_folder() as folder:
        TrackingClient(folder.as_uri(), patience_seconds=0).search_experiments(max_results=1)


def try_writing(client: TrackingClient) -> Finding:
    """Gives the newest run of ours a tag, and removes it again: an experiment or a run could only be hidden."""
    if (run := _find_newest(client)) is None:
        return Finding.skipped("it can be read; writing is tried on a run of tg-mlflow, of which there is none yet")
    run_id, tag = run.info.run_id, f"{OWN_PREFIX}doctor.{uuid.uuid4().hex[:8]}"
    try:
        client.set_tag(run_id, tag, "a check, which is removed again")
    except TrackingError as error:
        if isinstance(error.__cause__, MlflowException) and error.__cause__.error_code == _NOT_ALLOWED:
            return Finding.warning(f"it can be read; whether you may write is not known, as run {run_id} is not yours")
        return Finding.problem(
            f"it can be read, but run {run_id} takes no tag: {error}",
            "ask whoever runs the server for the permission to write, or for space on its disk",
        )
    try:
        client.delete_tag(run_id, tag)
    except TrackingError as error:
        return Finding.warning(f"yes, but the tag {tag} of run {run_id} could not be removed: {error}")
    return Finding.ok("yes")


def _find_newest(client: TrackingClient) -> Run | None:
    return next(search_own_runs(client, page_size=1), None)


def _lock_database(path: Path) -> Finding:
    """Begins to write to a database, and gives up: that changes nothing."""
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_LOCK_SECONDS)
        ) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return Finding.warning(f"another process has been writing to {str(path)!r} for {_LOCK_SECONDS} s")
        return Finding.problem(f"{str(path)!r} cannot be written to: {error}", "set MLFLOW_TRACKING_URI to another one")
    if not os.access(path.parent, os.W_OK):  # its journal is beside it
        return Finding.problem(f"nothing can be written beside {str(path)!r}", f"chmod u+w {str(path.parent)!r}")
    return Finding.ok("yes")
