"""How many requests a training costs a tracking server."""

import re
from collections import Counter
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from urllib3.connectionpool import HTTPConnectionPool

from tests.support import ProjectFolder, all_runs
from tests.tracking_server import TrackingServer

API = re.compile(r"/api/2\.0/mlflow/([a-z\-/]+)")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What this process asks of a server: MLflow's endpoints, and ``files`` for each file that is sent or listed."""
    counts, send = Counter[str](), HTTPConnectionPool.urlopen

    def count(pool: HTTPConnectionPool, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        found = API.match(url)
        counts[re.sub("/m-.*", "", found[1]).strip("/") if found else "files"] += 1
        return send(pool, method, url, *args, **kwargs)

    monkeypatch.setattr(HTTPConnectionPool, "urlopen", count)
    return counts


@pytest.mark.parametrize("place", ["attached", "process"])
def test_a_training_asks_the_server_for_no_more_than_it_needs(
    project: ProjectFolder, sqlite_server: TrackingServer, asked: Counter[str], place: str
) -> None:
    project.write("tg.json", '{"dataset": "points.parquet", "log": {"check_model": false}}')
    mlflow.set_tracking_uri(sqlite_server.uri)
    asked.clear()
    mlflow.projects.run(str(project.path), backend=f"tg-{place}", experiment_id=1)
    asked_by_training = asked.copy()
    (run,) = all_runs(MlflowClient())
    assert run.info.status == "FINISHED"
    assert "tg.missing" not in run.data.tags
    files = asked_by_training.pop("files")
    # The run is read for its description (twice), its results (twice), where its artifacts are, and what is said at its
    # end; MLflow itself reads it four times, and in this process, the task may have ended it.
    assert asked_by_training["runs/get"] <= 11, asked_by_training
    assert asked_by_training["metrics/get-history"] == 0, asked_by_training
    # Some more on a busy machine: usage, cursor and log are written now and then.
    assert asked_by_training.total() <= 42, asked_by_training
    assert files <= 32, files
