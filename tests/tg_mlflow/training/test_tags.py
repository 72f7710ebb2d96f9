"""What a run says of its job before there is one is a format."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tests.memory_server import MemoryClient
from tg.common.delivery.sagemaker import ProcessExecutor, ProcessOptions, SagemakerConfig
from tg.common.secrets import SecretMask
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.training.tags import build_state, describe_delivery, note_job

DELIVERY = SimpleNamespace(
    resource_name="C1", options=SimpleNamespace(project_name="points", datasets_folder="/data/datasets")
)


def note(client: MemoryClient, config: ProcessConfig, run_name: str | None = None, **state: Any) -> dict[str, str]:
    """Notes a job in a run, and returns the run's tags."""
    run_id = client.create_run("7").info.run_id
    executor = ProcessExecutor(ProcessOptions(stop_grace_seconds=config.stop_grace_seconds))
    told = describe_delivery(build_state(config, **state), cast(SagemakerConfig, DELIVERY), Path("/data/points.csv"))
    returned = note_job(client, run_id, config, executor, "points-3", told, run_name)
    tags = client.get_run(run_id).data.tags
    assert returned == tags
    return tags


def test_what_is_noted_of_a_job() -> None:
    config = ProcessConfig(
        tags={"team": "blue", "db_password": "hunter2"},
        secrets=["HUB_TOKEN"],
        stop_grace_seconds=5,
        environment={"HUB_TOKEN": "tok-4f5e6d"},
    )
    tags = note(MemoryClient(mask=SecretMask(["tok-4f5e6d"])), config, "C1", params={"C": "1", "scale": "2"})
    assert json.loads(tags.pop("tg.state")) == {
        "config": {
            "tags": {"team": "blue", "db_password": "***"},
            "secrets": ["HUB_TOKEN"],
            "environment": {"HUB_TOKEN": "***"},
            "stop_grace_seconds": 5.0,
        },
        "parameters": ["C", "scale"],
        "place_options": {"stop_grace_seconds": 5.0},
        "dataset": "/data/points.csv",
        "project_name": "points",
        "datasets_folder": "/data/datasets",
        "resource": "C1",
    }
    assert tags == {
        "tg.place": "tg-process",
        "tg.job_id": "points-3",
        "mlflow.runName": "C1",
        "team": "blue",
        "db_password": "***",
    }


def test_a_sweep_is_not_noted_with_each_of_its_trainings() -> None:
    config = ProcessConfig(sweep={"C": [1, 2]}, primary_metric="loss")
    assert build_state(config).config == {"primary_metric": "loss"}


def test_a_run_that_has_a_job_says_how_it_was_started() -> None:
    client = MemoryClient()
    tags = note(client, ProcessConfig(tags={"a": "1", "b": "2"}))
    assert client.requests == ["create_run", "log_batch", "get_run"]
    assert set(tags) == {"a", "b", "tg.place", "tg.job_id", "tg.state"}
