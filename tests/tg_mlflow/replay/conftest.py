"""A run of a training whose job calls MLflow, in a store on disk."""

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from mlflow import MlflowClient

from tests.job_output import open_recorder, write_lines
from tg.common.delivery.sagemaker import LogEvent
from tg_mlflow.tracking.client import TrackingClient

# Records what a job says of its calls, from the first record on.
Record: TypeAlias = Callable[..., None]


@pytest.fixture
def client(store: MlflowClient) -> TrackingClient:
    return TrackingClient(store.tracking_uri)


@pytest.fixture
def run_id(store: MlflowClient) -> str:
    experiment = store.get_experiment_by_name("test")
    tags = {"mlflow.user": "ada", "mlflow.source.name": "https://example.org/project"}
    return str(store.create_run(experiment.experiment_id, tags=tags).info.run_id)


@pytest.fixture
def record(client: TrackingClient, run_id: str) -> Record:
    def take(*records: dict[str, Any]) -> None:
        with open_recorder(client, run_id) as recorder:
            recorder.take(LogEvent(write_lines(records), 7))

    return take
