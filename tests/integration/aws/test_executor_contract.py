"""What runs on an emulated SageMaker passes the contract of executors."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version

import pytest

from tests.aws_emulator import AwsEmulator, Registry
from tests.integration.aws.support import BUCKET
from tests.integration.aws.test_remote_training import DISTRIBUTIONS, FAST
from tests.integration.docker.conftest import base_image, build_options, docker_client
from tg.common.delivery.delivery import Containering, DependencyList, ImageBuildOptions, Packaging
from tg.common.delivery.delivery.image.docker_client import DockerClient
from tg.common.delivery.sagemaker import AccountOptions, RemoteExecutor, SagemakerConfig
from tg_mlflow.testing.executor_contract import CompleteDelivery, OpenExecutor, SeparateExecutorContract

__all__ = ["base_image", "build_options", "docker_client"]


READY_IMAGE = "tg-test-contract-ready:latest"
READY_NAME = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/contract:1"


@pytest.fixture(scope="module")
def ready_image(docker_client: DockerClient, base_image: str, build_options: ImageBuildOptions) -> str:
    """An image with all libraries, but without any package: each job brings its own."""
    containering = Containering.from_packaging(Packaging("Contract", "0", {}))
    containering.image_name, containering.base_image = "tg-test-contract", base_image
    requirements = [f"{name}=={version(name)}" for name in DISTRIBUTIONS]
    containering.dependencies = [DependencyList("training", requirements)]
    containering.build_options, containering.silent = build_options, True
    image = containering.make_container(client=docker_client)
    labels = docker_client.inspect_image(image.image_id)["Config"]["Labels"]
    container = docker_client.create_container(labels["tg-mlflow.dependencies"])
    name, _, tag = READY_IMAGE.partition(":")
    path = {"Env": ["PATH=/opt/tg-venv/bin:/usr/bin:/bin"]}
    docker_client.commit(container["Id"], name, tag, conf=path)
    docker_client.remove_container(container["Id"])
    return READY_IMAGE


class TestRemoteExecutor(SeparateExecutorContract):
    @pytest.fixture
    def aws(
        self,
        daemon_turn: None,
        registry: Registry,
        ready_image: str,
        enter: Callable[[AwsEmulator], AwsEmulator],
    ) -> Iterator[AwsEmulator]:
        """AWS with little patience for jobs that do not stop."""
        with AwsEmulator(stop_seconds=1, registry=registry) as emulator:
            emulator.images[READY_NAME] = ready_image
            yield enter(emulator)

    @pytest.fixture
    def open_executor(self, aws: AwsEmulator) -> OpenExecutor:
        return lambda: RemoteExecutor(AccountOptions(), pacing=FAST)

    @pytest.fixture
    def complete_delivery(self, aws: AwsEmulator) -> CompleteDelivery:
        def complete(delivery: SagemakerConfig) -> SagemakerConfig:
            remote = replace(delivery.options.remote, image_uri=READY_NAME)
            options = replace(delivery.options, role=aws.role_arn, bucket=BUCKET, remote=remote)
            completed = replace(delivery, options=options)
            if options.dataset is not None:
                RemoteExecutor(AccountOptions(), pacing=FAST).upload_dataset(completed.options)
            return completed

        return complete
