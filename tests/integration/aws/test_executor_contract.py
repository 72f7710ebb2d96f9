"""What runs on an emulated SageMaker passes the contract of executors."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version

import pytest

from tests.aws_emulator import AwsEmulator, Registry
from tests.integration.aws.support import BUCKET
from tests.integration.aws.test_remote_training import DISTRIBUTIONS, FAST
from tests.integration.docker.conftest import build_options
from tg.common.delivery.delivery import DependencyList, ImageBuildOptions
from tg.common.delivery.sagemaker import AccountOptions, RemoteExecutor, SagemakerConfig
from tg_mlflow.testing.executor_contract import CompleteDelivery, OpenExecutor, SeparateExecutorContract

__all__ = ["build_options"]


class TestRemoteExecutor(SeparateExecutorContract):
    @pytest.fixture
    def aws(
        self, daemon_turn: None, registry: Registry, enter: Callable[[AwsEmulator], AwsEmulator]
    ) -> Iterator[AwsEmulator]:
        """AWS with little patience for jobs that do not stop."""
        with AwsEmulator(stop_seconds=1, registry=registry) as emulator:
            yield enter(emulator)

    @pytest.fixture
    def open_executor(self, aws: AwsEmulator) -> OpenExecutor:
        return lambda: RemoteExecutor(AccountOptions(), pacing=FAST)

    @pytest.fixture
    def complete_delivery(
        self, aws: AwsEmulator, base_image: str, build_options: ImageBuildOptions
    ) -> CompleteDelivery:
        def complete(delivery: SagemakerConfig) -> SagemakerConfig:
            requirements = [f"{name}=={version(name)}" for name in DISTRIBUTIONS]
            delivery.packaging.dependencies = [DependencyList("training", requirements)]
            delivery.containering.image_name = "tg-test-contract"
            delivery.containering.base_image = base_image
            delivery.containering.build_options = build_options
            delivery.containering.silent = True
            completed = replace(delivery, options=replace(delivery.options, role=aws.role_arn, bucket=BUCKET))
            if completed.options.dataset is not None:
                RemoteExecutor(AccountOptions(), pacing=FAST).upload_dataset(completed)
            return completed

        return complete
