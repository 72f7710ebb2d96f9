"""The walkthrough on SageMaker: where data and results are, and what is left of a job for the next day."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.support import BUCKET, list_keys, list_members
from tests.integration.aws.walkthrough import SagemakerRoutine, make_passengers
from tests.integration.docker.conftest import build_options
from tests.support import ROOT
from tg.common.delivery.delivery import ImageBuildOptions

__all__ = ["build_options"]

IMAGE = "tg-test-remote-walkthrough"
MEMBERS = [
    "completed.json",
    "package.json",
    "package.tag.gz",
    "runs/",
    "runs/0/",
    "runs/0/info.pkl",
    "runs/0/metrics.pkl",
    "runs/0/model.pkl",
    "runs/0/result_df.parquet",
    "runs/0/test_splits.pkl",
    "runs/0/train_split.pkl",
    "runs/0/training_task.pkl",
    "task.json",
]


@pytest.fixture
def routine(
    aws: AwsEmulator,
    base_image: str,
    build_options: ImageBuildOptions,
    docker_daemon: DockerClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[SagemakerRoutine]:
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    dataset = tmp_path / "datasets" / "titanic_project" / "titanic.parquet"
    dataset.parent.mkdir(parents=True)
    make_passengers().to_parquet(dataset)
    routine = SagemakerRoutine(BUCKET, tmp_path / "datasets")
    routine.config.containering.image_name = IMAGE
    routine.config.containering.base_image = base_image
    routine.config.containering.build_options = build_options
    yield routine
    for image in docker_daemon.images.list(IMAGE):
        docker_daemon.images.remove(str(image.id), force=True)


def test_the_walkthrough(
    routine: SagemakerRoutine, aws: AwsEmulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    executor = routine.remote()
    dataset = f"s3://{BUCKET}/sagemaker/titanic_project/datasets/titanic.parquet"
    assert executor.upload_dataset() == dataset

    name = executor.execute()
    assert isinstance(name, str)
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name)
    assert [each.name for each in aws.jobs] == [name]
    job = aws.job(name).describe()
    (channel,) = job["InputDataConfig"]
    assert (channel["ChannelName"], channel["DataSource"]["S3DataSource"]["S3Uri"]) == ("training", dataset)
    output = f"sagemaker/titanic_project/output/{name}/output/model.tar.gz"
    assert job["ModelArtifacts"] == {"S3ModelArtifacts": f"s3://{BUCKET}/{output}"}
    assert list_keys("") == ["sagemaker/titanic_project/datasets/titanic.parquet", output]
    members = [member.removesuffix("/") for member in MEMBERS]
    assert sorted(list_members(output)) == members

    shown = [line.partition(" INFO: ")[2] for line in capsys.readouterr().out.splitlines()]
    metrics = routine.attached().execute()["metrics"]
    assert set(metrics) == {"roc_auc_score_test", "roc_auc_score_train"}
    for metric, value in metrics.items():
        assert f"###METRIC###{metric}:{float(value)!r}###" in shown
    with routine.process().load_result(routine.process().execute()) as archive:
        assert archive.unpickle("runs/0/metrics.pkl") == metrics
        assert sorted(archive.list()) == MEMBERS

    # The next day, on another machine: there is nothing but the name of the bucket and of the job.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    result = subprocess.run(
        [sys.executable, "-m", "tests.integration.aws.walkthrough", BUCKET, name],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TG_JOBS_PATH": str(elsewhere / "jobs")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    described = json.loads(result.stdout)
    assert sorted(described.pop("members")) == MEMBERS
    assert described == {
        "metrics": metrics,
        "refusal": "No module named 'SingleFrameTrainingTask__0'",
        "task": "tg.common.ml.single_frame_training.training_task",
        "rows": 200,
        "stages": ["test", "train"],
    }
