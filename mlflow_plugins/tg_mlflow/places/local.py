"""``tg-local``: trains in a container of a Docker daemon."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from tg.common.delivery.sagemaker import ContainerExecutor, ContainerOptions, Executor
from tg_mlflow.diagnosis.check import Check
from tg_mlflow.diagnosis.docker_checks import list_docker_checks
from tg_mlflow.places.config import JobConfig
from tg_mlflow.places.distribution_config import HostsConfig
from tg_mlflow.places.image_config import ImageConfig
from tg_mlflow.places.place import Place


class LocalConfig(HostsConfig, JobConfig, ImageConfig):
    """Keys of the place ``tg-local``.

    Attributes:
        stop_grace_seconds: How long the container may take to stop before it is killed.
        checkpoints: Whether to keep the job's checkpoints even if it completes; or the folder to keep them in, relative
            to the project's folder or absolute, which the next training goes on from.
        cpus: How many processors the container may use.
        memory: How much memory, such as ``4g``.
        gpus: ``all`` or a number.
        network: Docker's network of the container, such as ``none``.
    """

    place = "tg-local"

    stop_grace_seconds: float = Field(default=120, ge=0)
    checkpoints: bool | str = False
    cpus: float | None = Field(default=None, gt=0)
    memory: str | None = None
    gpus: str | int | None = None
    network: str | None = None

    @property
    def has_gpus(self) -> bool:
        return self.gpus is not None


class LocalPlace(Place):
    """Trains in a container of a Docker daemon, on this machine or another one."""

    config_model = LocalConfig
    options_model = ContainerOptions

    def build_options(self, config: LocalConfig, folder: Path) -> ContainerOptions:
        return ContainerOptions(docker_host=config.docker_host, stop_grace_seconds=config.stop_grace_seconds)

    def open(self, options: ContainerOptions, is_shared: bool = False) -> Executor:
        return ContainerExecutor(options)

    def list_checks(self, config: LocalConfig, folder: Path) -> Iterable[Check]:
        return list_docker_checks(config.docker_host, config.find_base_image())
