"""A launcher that was killed between the creation and the start of its container."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.launcher import tg_mlflow
from tg.common.delivery.delivery.image.docker_client import DockerClient

JOB_ID = "points-unstarted"


@pytest.fixture
def run_id(docker_client: DockerClient, base_image: str, store: MlflowClient, tmp_path: Path) -> Iterator[str]:
    """The run of a container that has been created and not started."""
    (tmp_path / "jobs" / JOB_ID).mkdir(parents=True)
    docker_client.create_container(base_image, name=JOB_ID, labels=["tg-test.unstarted"])
    experiment = store.get_experiment_by_name("test")
    tags = {"mlflow.project.backend": "tg-local", "tg.place": "tg-local", "tg.job_id": JOB_ID, "tg.state": "{}"}
    yield store.create_run(experiment.experiment_id, tags=tags).info.run_id
    for each in docker_client.containers(all=True, filters={"label": "tg-test.unstarted"}):
        docker_client.remove_container(each["Id"], force=True)


def test_it_is_not_waited_for_and_cleared_away_by_cancel(
    run_id: str, docker_client: DockerClient, store: MlflowClient, tmp_path: Path
) -> None:
    done = tg_mlflow(tmp_path, "attach", run_id)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    message = f"the job of run {run_id} was never started, as its launcher had ended before; to end the run, use"
    assert f"=== {message} `tg-mlflow cancel {run_id}` ===" in done.stderr
    assert store.get_run(run_id).info.status == "RUNNING"
    done = tg_mlflow(tmp_path, "cancel", run_id)
    assert done.returncode == 0, done.stderr
    assert store.get_run(run_id).info.status == "KILLED"
    assert docker_client.containers(all=True, filters={"label": "tg-test.unstarted"}) == []
    assert list((tmp_path / "jobs").iterdir()) == []
