"""A run of this process that is trained again in a container, and as a job of an emulated SageMaker."""

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import mlflow
import pytest
from docker import DockerClient
from docker.errors import APIError
from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import READY_NAME, FastBackend
from tests.integration.aws.support import BUCKET, list_keys
from tests.support import ProjectFolder, all_runs
from tg_mlflow.places.sagemaker import SagemakerPlace
from tg_mlflow.reproduction.planned_training import WantedTraining
from tg_mlflow.reproduction.reproduction import reproduce
from tg_mlflow.tracking.client import TrackingClient

SCRIPT = """
    import math
    import os
    import pathlib

    (data,) = pathlib.Path(os.environ["SM_CHANNEL_TRAINING"]).iterdir()
    value = float(data.read_text())
    for step in range(30):
        value = math.sin(value) + step / 7
        print(f"###METRIC###value:{value!r}###step:{step}###")
"""
MLPROJECT = """
    name: reproduced
    entry_points:
      main:
        command: "python train.py"
"""


@pytest.fixture
def image(docker_daemon: DockerClient, base_image: str) -> Iterator[dict[str, Any]]:
    yield {"base_image": base_image}
    for each in docker_daemon.images.list(filters={"reference": "reproduced*"}):
        with suppress(APIError):
            docker_daemon.images.remove(each.id, force=True)


def test_a_run_is_the_same_to_the_last_digit_at_other_places(
    aws: AwsEmulator,
    project: ProjectFolder,
    store: MlflowClient,
    image: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project.write("MLproject", MLPROJECT)
    (project.path / "tasks.py").unlink()  # so that nothing has to be installed
    project.write("train.py", SCRIPT)
    project.write("tg.json", json.dumps({"dataset": "start.txt", "datasets_folder": str(tmp_path / "data")}))
    (tmp_path / "data" / "reproduced").mkdir(parents=True)
    (tmp_path / "data" / "reproduced" / "start.txt").write_text("0.1")
    mlflow.projects.run(str(project.path), backend="tg-attached")
    shutil.rmtree(project.path)
    (run,) = all_runs(store)

    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    monkeypatch.setattr(SagemakerPlace, "open", FastBackend()._open)
    aws.images[READY_NAME] = image["base_image"]
    for place, config in (("tg-local", image), ("tg-sagemaker", {"image_uri": READY_NAME, "bucket": BUCKET})):
        wanted = WantedTraining(run.info.run_id, place=place, config=config)
        verdict = reproduce(TrackingClient(store.tracking_uri), wanted)
        assert verdict.summary == "identical to the last digit: 30 points of 1 metric"
        assert ("place", "tg-attached", place) in [(each.name, each.first, each.second) for each in verdict.causes]
        again = store.get_run(verdict.run_id)
        assert (again.info.status, again.data.tags["tg.reproduces"]) == ("FINISHED", run.info.run_id)
        assert again.data.tags["tg.package_sha256"] == run.data.tags["tg.package_sha256"]
        environment = mlflow.artifacts.load_dict(f"runs:/{verdict.run_id}/environment.json")
        assert environment["python"].startswith("3.11.")
    # What was trained on SageMaker is trained again here.
    back = reproduce(TrackingClient(store.tracking_uri), WantedTraining(verdict.run_id, place="tg-process"))
    assert back.summary == "identical to the last digit: 30 points of 1 metric"
    assert list_keys("sagemaker/reproduced/datasets/") == ["sagemaker/reproduced/datasets/start.txt"]
