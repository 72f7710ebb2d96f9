"""What tests of several places share: a project to train and a store to record in."""

import fcntl
import functools
import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Until the tests begin: what is imported and collected stays, and going through it again and again finds nothing.
gc.disable()

# What tests share says what it has found, too, when it is not what was expected; before any of it is imported.
pytest.register_assert_rewrite("tg_mlflow.testing")
pytest.register_assert_rewrite(
    *(
        f"tests.{name}"
        for name in ("aws_emulator", "integration", "kill_scene", "launcher", "support", "tg_mlflow", "warm")
    )
)

# MLflow would ask its vendor's server in a thread, where the C library reads the environment that tests change
# meanwhile: that can end the process.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
# Threads of OpenMP that wait for each other sleep: all processors have other tests, and spinning takes them from these.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import botocore.session  # noqa: E402
import mlflow  # noqa: E402
from hypothesis import settings  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.store.db import utils as mlflow_schema  # noqa: E402

from tests import process_guard  # noqa: E402
from tests.small_wheel import make_wheel  # noqa: E402
from tests.support import ProjectFolder  # noqa: E402
from tests.turns import TurnScheduling, fill  # noqa: E402

_guard = process_guard.ProcessGuard()

# How long an example takes says more of what else the machine does.
settings.register_profile("tg-mlflow", deadline=None)
settings.load_profile("tg-mlflow")

# Each session of AWS's SDK reads megabytes of descriptions of services, 0.2 s of a core; tests make hundreds of them.
botocore.session.create_loader = functools.lru_cache(botocore.session.create_loader)
# MLflow reads all its migrations for each store, to know the last one.
mlflow_schema._get_latest_schema_revision = functools.cache(mlflow_schema._get_latest_schema_revision)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TurnScheduling | None:
    """Lets the tests of a turn run in one process."""
    return TurnScheduling(config, log) if config.option.dist == "loadscope" else None


def pytest_configure() -> None:
    """Lets Ctrl-C be heard where whoever started the tests ignores it, as shells do for what runs in the background.

    What the tests start would ignore it, too, and the tests of Ctrl-C would wait for ever.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Leaves what is there when the tests begin, a million objects, out of all later collections of garbage.

    These come after 10,000 new objects instead of 700: of what tests make, little is garbage that only they find.
    """
    gc.freeze()
    gc.set_threshold(10_000)
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what starts processes, and puts most of the others between: they fill the time in which these wait."""
    for item in items:
        for mark in process_guard.marks(item):
            item.add_marker(mark)
    items[:] = fill(
        [item for item in items if item.get_closest_marker("starts_process")],
        [item for item in items if not item.get_closest_marker("starts_process")],
    )


@pytest.fixture(autouse=True)
def starts_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that starts a process or a server and is not marked with ``starts_process``."""
    if request.node.get_closest_marker("starts_process"):
        yield
    else:
        yield from _guard.watch()


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    return ProjectFolder(tmp_path / "points")


@pytest.fixture(scope="session", autouse=True)
def jobs_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps the user's own jobs, and those of tests that run beside these, out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TG_JOBS_PATH", str(tmp_path_factory.mktemp("jobs-of-tests") / "jobs"))
        yield


@pytest.fixture(scope="session", autouse=True)
def no_system_metrics() -> Iterator[None]:
    """Leaves out what comes into a run as time passes, and not by what a training does; tests of that switch it on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "false")
        yield


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this process and those that it starts keep their jobs."""
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    return tmp_path / "jobs"


@pytest.fixture
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of environments, for uv and pip without a network: what they install into each is here, too."""
    wheels, index = tmp_path / "wheels", tmp_path / "index"
    wheels.mkdir()
    index.mkdir()
    for name in ("pip", "setuptools", "wheel"):
        make_wheel(wheels, name, "99.0")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.as_uri())
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("TG_ENVIRONMENTS_PATH", str(tmp_path / "environments"))
    return tmp_path / "environments"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sqlite store with its tables, which take two seconds to make; tests copy it.

    The first of the processes that run tests makes it for all.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path, made = folder / "empty-store.db", folder / "empty-store-being-made.db"
    with (folder / "empty-store.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            MlflowClient(f"sqlite:///{made}").search_experiments()
            shutil.copy(made, path)
    return path


@pytest.fixture
def store(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowClient]:
    """An empty store of the test's own, set as the current one; artifacts go below the test's folder."""
    path = tmp_path / "mlflow.db"
    shutil.copy(empty_store, path)
    uri = f"sqlite:///{path}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    previous = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    monkeypatch.chdir(tmp_path)
    client = MlflowClient(uri)
    experiment = client.create_experiment("test", artifact_location=(tmp_path / "artifacts").as_uri())
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", experiment)
    yield client
    mlflow.set_tracking_uri(previous)
