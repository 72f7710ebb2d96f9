"""What runs in containers passes the contract of executors."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tg.common.delivery.delivery import DependencyList, ImageBuildOptions
from tg.common.delivery.delivery.image.docker_client import DockerClient
from tg.common.delivery.sagemaker import ContainerExecutor, ContainerOptions, SagemakerConfig
from tg_mlflow.testing.executor_contract import CompleteDelivery, OpenExecutor, SeparateExecutorContract

DISTRIBUTIONS = ("jsonpickle", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


class TestContainerExecutor(SeparateExecutorContract):
    @pytest.fixture
    def open_executor(self, docker_client: DockerClient, jobs_path: Path) -> Iterator[OpenExecutor]:
        yield lambda: ContainerExecutor(ContainerOptions(stop_grace_seconds=1))
        for job in jobs_path.iterdir() if jobs_path.is_dir() else ():
            for container in docker_client.containers(all=True, filters={"name": f"^/{job.name}$"}):
                docker_client.remove_container(container["Id"], force=True, v=True)

    @pytest.fixture
    def complete_delivery(self, base_image: str, build_options: ImageBuildOptions) -> CompleteDelivery:
        def complete(delivery: SagemakerConfig) -> SagemakerConfig:
            requirements = [f"{name}=={version(name)}" for name in DISTRIBUTIONS]
            delivery.packaging.dependencies = [DependencyList("training", requirements)]
            delivery.containering.image_name = "tg-test-contract"
            delivery.containering.base_image = base_image
            delivery.containering.build_options = build_options
            delivery.containering.silent = True
            return delivery

        return complete
