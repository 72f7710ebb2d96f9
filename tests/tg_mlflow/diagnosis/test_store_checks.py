"""What is checked of MLflow's tracking store, which is as before afterwards."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest
import requests
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.version import VERSION

from tests.memory_server import MemoryClient
from tg_mlflow.diagnosis import Finding, Outcome, examine, list_store_checks
from tg_mlflow.diagnosis.store_checks import try_writing
from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.client import TrackingClient


def look() -> dict[str, Finding]:
    return {each.name: each.finding for each in examine("MLflow", list_store_checks())}


@pytest.mark.parametrize("uri", ["sqlite:///{}/mlflow.db", "file://{}/mlruns", "{}/mlruns"])
def test_a_store_that_is_not_there_yet_is_not_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, uri: str) -> None:
    uri = uri.format(tmp_path)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setattr("mlflow.get_tracking_uri", lambda: uri)
    assert look() == {
        "reachable": Finding.ok(f"{uri} is not there yet; the first run makes it"),
        "writable": Finding.ok("yes"),
    }
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    not hasattr(mlflow.environment_variables, "MLFLOW_ALLOW_FILE_STORE"), reason="this MLflow makes stores of files"
)
def test_a_folder_of_which_mlflow_makes_no_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    monkeypatch.setattr("mlflow.get_tracking_uri", lambda: f"{tmp_path}/mlruns")
    found = look()["reachable"]
    assert found.outcome is Outcome.PROBLEM
    assert found.found.startswith(f"{tmp_path}/mlruns cannot be used: The filesystem tracking backend ")
    assert list(tmp_path.iterdir()) == []


def test_a_database(store: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(store.tracking_uri.removeprefix("sqlite:///"))
    found = look()
    assert found["reachable"].found.startswith(f"{store.tracking_uri} answers in ")
    assert found["writable"] == Finding.ok("yes")
    monkeypatch.setattr("tg_mlflow.diagnosis.store_checks._LOCK_SECONDS", 0.01)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert look()["writable"] == Finding.warning(f"another process has been writing to '{path}' for 0.01 s")


def test_a_file_that_is_no_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("nothing of the kind, " * 100)
    monkeypatch.setattr("mlflow.get_tracking_uri", lambda: f"sqlite:///{tmp_path}/mlflow.db")
    found = look()
    assert found["reachable"].outcome is Outcome.PROBLEM
    assert "file is not a database" in found["reachable"].found
    assert found["writable"] == Finding.skipped("not checked, as it needs reachable")


def test_a_database_without_tables_gets_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    monkeypatch.setattr("mlflow.get_tracking_uri", lambda: f"sqlite:///{tmp_path}/mlflow.db")
    assert look() == {
        "reachable": Finding.ok(f"sqlite:///{tmp_path}/mlflow.db has no tables yet; the first run makes them"),
        "writable": Finding.ok("yes"),
    }
    assert (tmp_path / "mlflow.db").stat().st_size == 0


@pytest.mark.parametrize(
    ("uri", "said", "remedy"),
    [
        ("nothing://host", "nothing://host does not answer as it should: ", "set MLFLOW_TRACKING_URI, or start"),
        ("mssql+nodriver://host/db", "mssql+nodriver://host/db cannot be used: ", "set MLFLOW_TRACK"),
        (
            "mysql+pymysql://host/db",
            "mysql+pymysql://host/db needs the Python package 'pymysql'",
            "pip install pymysql",
        ),
    ],
)
def test_an_address_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, uri: str, said: str, remedy: str) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    monkeypatch.setattr("mlflow.get_tracking_uri", lambda: uri)
    found = look()["reachable"]
    assert (found.outcome, found.found[: len(said)]) == (Outcome.PROBLEM, said)
    assert found.remedy is not None
    assert found.remedy.startswith(remedy)


def test_a_server_that_is_away_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlflow.get_tracking_uri", lambda: "http://127.0.0.1:1")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    assert look()["reachable"] == Finding.problem(
        "http://127.0.0.1:1 does not answer: Connection refused",
        "set MLFLOW_TRACKING_URI, or start the server, as with `mlflow server`",
    )


class Server:
    """A server that answers."""

    def __init__(self, *given: object, **named: object) -> None:
        self._tracking_client = self.store = self

    def get_host_creds(self) -> str:
        return "a key"

    def search_experiments(self, max_results: int) -> None:
        assert max_results == 1


@pytest.mark.parametrize(
    ("status", "answer", "seconds", "outcome", "said"),
    [
        (200, "3.4.0", 0.25, Outcome.OK, "http://host answers in 250 ms; MLflow 3.4.0"),
        (200, "<html>3.4.0", 0.25, Outcome.OK, "http://host answers in 250 ms"),
        (404, "3.4.0", 0.25, Outcome.OK, "http://host answers in 250 ms"),
        (200, "3.4.0\n", 1.5, Outcome.WARNING, "http://host answers in 1500 ms; MLflow 3.4.0, which is slow"),
        (200, "2.22.1", 0.25, Outcome.WARNING, f"http://host answers in 250 ms; MLflow 2.22.1, and {VERSION} here"),
    ],
)
def test_the_version_and_the_speed_of_a_server(
    monkeypatch: pytest.MonkeyPatch, status: int, answer: str, seconds: float, outcome: Outcome, said: str
) -> None:
    response = requests.Response()
    response.status_code, response._content = status, answer.encode()
    times = iter([1.0, 1.0 + seconds])
    module = "tg_mlflow.diagnosis.store_checks"
    monkeypatch.setattr("mlflow.get_tracking_uri", lambda: "http://host")
    monkeypatch.setattr(f"{module}.TrackingClient", Server)
    monkeypatch.setattr(f"{module}.http_request", lambda creds, *request, **options: response)
    monkeypatch.setattr(f"{module}.time", SimpleNamespace(monotonic=lambda: next(times)))
    found = next(iter(list_store_checks())).look()
    assert (found.outcome, found.found, found.remedy is None) == (outcome, said, outcome is Outcome.OK)


def create_run(store: MlflowClient, start_time: int, **tags: str) -> Run:
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    return store.create_run(experiment.experiment_id, start_time=start_time, tags=tags)


def test_writing_is_tried_on_the_newest_run_of_ours_and_leaves_nothing(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = TrackingClient(patience_seconds=0)
    create_run(store, 3)
    assert try_writing(client) == Finding.skipped(
        "it can be read; writing is tried on a run of tg-mlflow, of which there is none yet"
    )
    runs = [create_run(store, moment, **{"tg.version": "0.1"}) for moment in (2, 1)]
    written: list[str] = []
    set_tag = client.set_tag

    def note(run_id: str, key: str, value: str) -> None:
        written.append(run_id)
        set_tag(run_id, key, value)

    monkeypatch.setattr(client, "set_tag", note)
    assert try_writing(client) == Finding.ok("yes")
    assert written == [runs[0].info.run_id]
    assert store.get_run(runs[0].info.run_id).data.tags == runs[0].data.tags


@pytest.mark.parametrize(
    ("request_name", "outcome", "said"),
    [
        ("set_tag", Outcome.PROBLEM, "it can be read, but run {run_id} takes no tag: no"),
        ("delete_tag", Outcome.WARNING, "yes, but the tag tg.doctor."),
    ],
)
def test_a_server_that_refuses(monkeypatch: pytest.MonkeyPatch, request_name: str, outcome: Outcome, said: str) -> None:
    client = MemoryClient()
    run = client.create_run("7", tags={"tg.version": "0.1"})
    monkeypatch.setattr("tg_mlflow.diagnosis.store_checks._find_newest", lambda client: run)

    def refuse(*args: str) -> None:
        raise TrackingError("no", is_final=True)

    monkeypatch.setattr(client, request_name, refuse)
    found = try_writing(client)
    assert (found.outcome, found.found.startswith(said.format(run_id=run.info.run_id))) == (outcome, True)
