"""Processes that a training starts in a container."""

from itertools import product
from pathlib import Path

from tests.integration.docker.test_whole_training import REQUIREMENTS
from tests.integration.worker_tasks import METHODS, Working
from tg.common.delivery.delivery import Containering, DependencyList, ImageBuildOptions, Packaging
from tg.common.delivery.delivery.image.docker_client import DockerClient
from tg.common.delivery.sagemaker import (
    MetricLineParser,
    SagemakerConfig,
    SagemakerJob,
    SagemakerLocalExecutor,
    SagemakerOptions,
)


def test_workers_of_every_kind_work(
    docker_client: DockerClient, base_image: str, build_options: ImageBuildOptions, tmp_path: Path
) -> None:
    job = SagemakerJob(Working())
    packaging = Packaging("Working", "0", {"job": job})
    packaging.dependencies = [DependencyList("training", REQUIREMENTS)]
    packaging.silent = True
    containering = Containering.from_packaging(packaging)
    containering.image_name = "tg-test-workers"
    containering.base_image = base_image
    containering.build_options = build_options
    options = SagemakerOptions(None, None, "working", tmp_path, None, network="none")
    executor = SagemakerLocalExecutor(SagemakerConfig(job, packaging, containering, options), docker_client)
    job_id = executor.submit()
    log = b"".join(event.data for event in executor.logs(job_id))
    executor.collect(job_id)
    expected = dict.fromkeys([f"{method} {kind}" for method, kind in product(METHODS, ("pool", "executor"))], 285.0)
    points = MetricLineParser().feed(log, 0)
    assert {point.name: point.value for point in points} == {**expected, "loky": 285.0}, log.decode()
    assert b"Traceback" not in log
    assert log.count(b"Starting training now...") == 1
    executor.discard(job_id)
