"""Stores behind a real tracking server: sqlite, and PostgreSQL where Debian's package is installed.

Without PostgreSQL its tests are skipped; with ``TG_REQUIRE_POSTGRESQL=1`` they fail instead.
"""

import importlib.util
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.postgresql import PostgreSQL, find_programs
from tests.tracking_server import TrackingServer

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    programs = find_programs()
    reason = None
    if programs is None:
        reason = "there is no PostgreSQL in /usr/lib/postgresql; on Debian: apt-get install postgresql"
    elif importlib.util.find_spec("psycopg2") is None:
        reason = "there is no driver for PostgreSQL; install psycopg2-binary"
    if programs is None or reason is not None:
        if os.environ.get("TG_REQUIRE_POSTGRESQL"):
            pytest.fail(f"TG_REQUIRE_POSTGRESQL is set, but {reason}")
        pytest.skip(str(reason))
    with PostgreSQL(programs) as server:
        yield server


@pytest.fixture
def sqlite_store(tmp_path: Path, empty_store: Path) -> str:
    """The address of an empty store in a file of the test's own."""
    path = tmp_path / "server.db"
    shutil.copy(empty_store, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest) -> str:
    """The address of an empty store, in a test that runs once for each kind."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_store"))
    return str(request.getfixturevalue("postgresql").create_database(f"store{next(_numbers)}"))


def serve(
    folder: Path, store_uri: str, monkeypatch: pytest.MonkeyPatch, is_warm: bool = True
) -> Iterator[TrackingServer]:
    """Starts a tracking server and makes it the one that commands talk to, with jobs below the test's folder."""
    server = TrackingServer(folder, store_uri, is_warm)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    monkeypatch.setenv("TG_JOBS_PATH", str(folder / "jobs"))
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    try:
        server.start()
        # The one that a store is made with keeps its artifacts where it was made.
        monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", MlflowClient(server.uri).create_experiment("served"))
        yield server
    finally:
        server.kill()


@pytest.fixture
def sqlite_server(tmp_path: Path, sqlite_store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrackingServer]:
    yield from serve(tmp_path, sqlite_store, monkeypatch)


@pytest.fixture
def any_server(
    request: pytest.FixtureRequest, tmp_path: Path, any_store: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TrackingServer]:
    """One of each store; for a test with the mark ``real_server`` that of sqlite by the command ``mlflow server``."""
    is_warm = request.node.get_closest_marker("real_server") is None or not any_store.startswith("sqlite:")
    yield from serve(tmp_path, any_store, monkeypatch, is_warm=is_warm)
