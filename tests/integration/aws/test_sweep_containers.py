"""A sweep on SageMaker by ``mlflow run``, each job in a container of the image that was pushed."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from docker import DockerClient
from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.aws_emulator.engine import LABEL
from tests.integration.aws.support import BUCKET, list_keys
from tests.integration.docker.conftest import build_options
from tests.integration.docker.swept_project import GRID, IMAGE, assert_six_trainings, write_sweep
from tests.launcher import Launcher
from tests.support import ProjectFolder
from tg.common.delivery.delivery import ImageBuildOptions

__all__ = ["build_options"]


@pytest.fixture
def swept(
    aws: AwsEmulator,
    project: ProjectFolder,
    base_image: str,
    build_options: ImageBuildOptions,
    docker_daemon: DockerClient,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ProjectFolder]:
    """The swept project with its data here and in S3."""
    write_sweep(project, base_image, build_options, bucket=BUCKET)
    path = project.path / "datasets" / "points" / "points.parquet"
    aws.s3.upload_file(str(path), BUCKET, "sagemaker/points/datasets/points.parquet")
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    yield project
    for image in docker_daemon.images.list(IMAGE):
        docker_daemon.images.remove(image.id, force=True)


def list_volumes(daemon: DockerClient) -> list[str]:
    return sorted(volume.id for volume in daemon.volumes.list())


@pytest.mark.alone_with_docker
def test_six_jobs_of_one_image(
    swept: ProjectFolder, aws: AwsEmulator, store: MlflowClient, docker_daemon: DockerClient, tmp_path: Path
) -> None:
    volumes, said_before = list_volumes(docker_daemon), len(aws.registry.lines)
    config = {"sweep": GRID, "max_parallel": 3, "primary_metric": "max_error_test", "mode": "min"}
    with Launcher(swept, "sagemaker", tmp_path, "--backend-config", json.dumps(config)) as launcher:
        launcher.wait_for("[6/6] ")
        assert launcher.wait_for_end() == 0, launcher.output
    children = assert_six_trainings(store, "tg-sagemaker", tmp_path)
    assert {run.data.metrics["tg.instance_count"] for run in children} == {1}
    assert {job.name: job.status for job in aws.jobs} == {run.data.tags["tg.job_id"]: "Completed" for run in children}
    archives = {f"sagemaker/points/output/{job.name}/output/model.tar.gz" for job in aws.jobs}
    assert archives <= set(list_keys("sagemaker/points/output/"))

    # Built once, pushed once: the registry has one image, by whose digest all jobs have pulled it.
    (pushed,) = boto3.client("ecr").list_images(repositoryName="tg-mlflow/points")["imageIds"]
    assert {run.data.tags["tg.image_digest"] for run in children} == {pushed["imageDigest"]}
    assert {job.request["AlgorithmSpecification"]["TrainingImage"] for job in aws.jobs} == {
        run.data.tags["tg.image"] for run in children
    }
    assert launcher.output.count(f"Building {IMAGE}:") == 1
    said = aws.registry.lines[said_before:]
    assert len([line for line in said if "PUT /v2/" in line and "/manifests/" in line and " 201 " in line]) == 1

    # At most three at once, and each with its own task of the package.
    assert count_at_once(aws) == 3
    assert {job.request["Environment"]["TG_RESOURCE"] for job in aws.jobs} == {f"job_{n}" for n in range(1, 7)}
    assert docker_daemon.containers.list(all=True, filters={"label": LABEL}) == []
    assert list_volumes(docker_daemon) == volumes
    assert list(launcher.jobs.iterdir()) == []
    assert list(launcher.temporary.iterdir()) == []


def count_at_once(aws: AwsEmulator) -> int:
    """How many jobs there were at the same time, from their creation to their end."""
    jobs = [job.describe() for job in aws.jobs]
    return max(sum(a["CreationTime"] <= b["CreationTime"] < a["TrainingEndTime"] for a in jobs) for b in jobs)
