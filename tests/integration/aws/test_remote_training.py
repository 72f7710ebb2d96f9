"""Whole trainings on an emulated AWS: the image built and pushed, the ready-made image, and what can go wrong."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
import pytest
from docker import DockerClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.conftest import BUCKET
from tests.integration.docker.conftest import build_options
from tests.integration.docker.whole_task import build_task
from tests.support import make_points
from tg.common import JobFailedError
from tg.common.delivery.delivery import Containering, DependencyList, ImageBuildOptions, Packaging
from tg.common.delivery.sagemaker import (
    ConfiguredExecutor,
    JobState,
    JobStatus,
    Pacing,
    RemoteOptions,
    SagemakerConfig,
    SagemakerJob,
    SagemakerOptions,
    SagemakerProcessExecutor,
    SagemakerRemoteExecutor,
)

__all__ = ["build_options"]

DISTRIBUTIONS = ("jsonpickle", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")
FAST = Pacing(
    status_seconds=0.1,
    log_seconds=0.05,
    quiet_seconds=0.2,
    drain_seconds=20,
    search_seconds=0.1,
    streams_seconds=0.3,
    create_seconds=0.1,
    patience_seconds=20,
)
IMAGE = "tg-test-remote-training:0"
READY_IMAGE = "tg-test-remote-ready:latest"
READY_NAME = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/ready:1"


@pytest.fixture
def config(aws: AwsEmulator, base_image: str, build_options: ImageBuildOptions, tmp_path: Path) -> SagemakerConfig:
    (tmp_path / "datasets" / "points").mkdir(parents=True)
    make_points(300).to_parquet(tmp_path / "datasets" / "points" / "points.parquet")
    job = SagemakerJob(build_task())
    packaging = Packaging("RemoteTraining", "0", {"job": job})
    packaging.dependencies = [DependencyList("training", [f"{name}=={version(name)}" for name in DISTRIBUTIONS])]
    packaging.silent = True
    options = SagemakerOptions(aws.role_arn, BUCKET, "points", tmp_path / "datasets", "points.parquet")
    config = SagemakerConfig(job, packaging, Containering.from_packaging(packaging), options)
    config.containering.image_name = IMAGE.partition(":")[0]
    config.containering.base_image = base_image
    config.containering.build_options = build_options
    config.containering.silent = True
    return config


def metrics_of(executor: ConfiguredExecutor[Any], job_id: str) -> list[str]:
    lines = b"".join(event.data for event in executor.logs(job_id) if event.has_metrics).decode().splitlines()
    return [line.partition(" INFO: ")[2] for line in lines if "###METRIC###" in line]


def with_image(config: SagemakerConfig, image_uri: str) -> SagemakerConfig:
    return replace(config, options=replace(config.options, remote=RemoteOptions(image_uri=image_uri)))


@pytest.fixture
def images(docker_daemon: DockerClient) -> Iterator[None]:
    """Removes what these tests build."""
    yield
    for name in (IMAGE, READY_IMAGE):
        if docker_daemon.images.list(name):
            docker_daemon.images.remove(name, force=True)


def test_an_image_is_built_pushed_and_trains_as_elsewhere(
    config: SagemakerConfig, aws: AwsEmulator, images: None
) -> None:
    executor = SagemakerRemoteExecutor(config, pacing=FAST)
    executor.upload_dataset()
    job_id = executor.submit()
    metrics = metrics_of(executor, job_id)
    assert executor.status(job_id) == JobState(JobStatus.COMPLETED, 0)
    here = SagemakerProcessExecutor(config)
    assert len(metrics) == 16
    assert metrics == metrics_of(here, here.submit())
    told = {each["MetricName"] for each in aws.job(job_id).describe()["FinalMetricDataList"]}
    assert told == set(config.job.task.get_metric_names())

    # Another process knows the name only.
    other = SagemakerRemoteExecutor(config, boto3.Session(), pacing=FAST)
    with other.load_result(job_id) as archive:
        assert set(archive.unpickle("runs/2/metrics.pkl")) == {
            "roc_auc_score_test",
            "roc_auc_score_train",
            "rms_score_test",
            "rms_score_train",
        }
    facts = other.facts(job_id)
    assert facts.tags["image"] == aws.job(job_id).request["AlgorithmSpecification"]["TrainingImage"]
    assert facts.tags["image"].endswith(f"/tg-mlflow/points@{facts.tags['image_digest']}")
    assert facts.metrics["billable_seconds"] >= 1

    # The same package is the same image, which is neither built nor pushed again.
    again = executor.submit()
    executor.cancel(again)
    assert executor.facts(again).tags["image"] == facts.tags["image"]
    assert [call.status for call in aws.calls if call.name == "ecr:CreateRepository"] == [200]


def test_a_package_trains_in_a_ready_made_image(
    config: SagemakerConfig, aws: AwsEmulator, docker_daemon: DockerClient, images: None
) -> None:
    # An image with all libraries, but without the package: the lower layer of the one that is built otherwise.
    config.containering.make_container()
    labels = docker_daemon.images.get(IMAGE).labels
    container = docker_daemon.containers.create(labels["tg-mlflow.dependencies"])
    name, _, tag = READY_IMAGE.partition(":")
    container.commit(name, tag, conf={"Env": ["PATH=/opt/tg-venv/bin:/usr/bin:/bin"]})
    container.remove()
    aws.images[READY_NAME] = READY_IMAGE

    # From here on, no Docker is needed.
    executor = SagemakerRemoteExecutor(with_image(config, READY_NAME), pacing=FAST)
    executor.upload_dataset()
    job_id = executor.submit()
    metrics = metrics_of(executor, job_id)
    assert executor.status(job_id) == JobState(JobStatus.COMPLETED, 0)
    here = SagemakerProcessExecutor(config)
    assert len(metrics) == 16
    assert metrics == metrics_of(here, here.submit())
    with executor.load_result(job_id) as archive:
        assert "package.tag.gz" in archive.list()
    sent = [call for call in aws.calls if call.name == "s3:PutObject"]
    assert len(sent) == 3  # the dataset, the package, and what starts it
    executor.cancel(executor.submit())
    assert len([call for call in aws.calls if call.name == "s3:PutObject"]) == 3


def test_a_ready_made_image_that_lacks_libraries(config: SagemakerConfig, aws: AwsEmulator, base_image: str) -> None:
    config.options.environment["PIP_INDEX_URL"] = "http://127.0.0.1:9/simple"  # type: ignore[index]
    aws.images[READY_NAME] = base_image
    executor = SagemakerRemoteExecutor(with_image(config, READY_NAME), pacing=FAST)
    executor.upload_dataset()
    with pytest.raises(JobFailedError) as caught:
        executor.execute()
    reason = str(caught.value).splitlines()[0]
    assert " has failed: AlgorithmError: the image lacks jsonpickle==" in reason
    assert "; take an image that has them, or let the job reach a package index" in reason
