import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.job_output import open_recorder
from tg.common.delivery.sagemaker import LogEvent
from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.client import TrackingClient


@pytest.fixture
def client(store: MlflowClient) -> TrackingClient:
    return TrackingClient(store.tracking_uri)


@pytest.fixture
def run_id(store: MlflowClient) -> str:
    return store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id


def start_line(python: str) -> LogEvent:
    return LogEvent(b'###JOB###{"op":"start","time":7,"environment":{"python":"%s"}}###\n' % python.encode(), 7)


def test_the_last_start_of_a_job_says_where_it_trains(client: TrackingClient, run_id: str, tmp_path: Path) -> None:
    with open_recorder(client, run_id) as recorder:
        recorder.take(start_line("3.10.1"))
        recorder.take(start_line("3.11.7"))
    path = client.download_artifacts(run_id, "environment.json", str(tmp_path))
    assert json.loads(Path(path).read_text()) == {"python": "3.11.7"}


def test_a_run_says_that_it_lacks_the_environment(
    client: TrackingClient, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise TrackingError("full", is_final=True)

    monkeypatch.setattr(TrackingClient, "log_text", refuse)
    with open_recorder(client, run_id) as recorder:
        recorder.take(start_line("3.11.7"))
    assert client.get_run(run_id).data.tags["tg.missing"] == "environment.json"
