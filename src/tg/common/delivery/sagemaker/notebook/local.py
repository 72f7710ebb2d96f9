"""A training in a container, for notebooks."""

from ...delivery.image.docker_client import DockerClient
from ..container.container_executor import ContainerExecutor, ContainerOptions
from ..executor.config import SagemakerConfig
from .configured_executor import ConfiguredExecutor


class SagemakerLocalExecutor(ConfiguredExecutor[ContainerExecutor]):
    """Trains in a container, with the same image and contract as on SageMaker.

    Args:
        config: What is trained, and how it is delivered.
        client: The connection to the Docker daemon; by default made from the options.
    """

    def __init__(self, config: SagemakerConfig, client: DockerClient | None = None) -> None:
        options = ContainerOptions(config.options.docker_host, config.options.stop_grace_seconds)
        super().__init__(config, ContainerExecutor(options, client))

    @property
    def client(self) -> DockerClient:
        """The Docker daemon; the connection is made on first use."""
        return self.executor.client
