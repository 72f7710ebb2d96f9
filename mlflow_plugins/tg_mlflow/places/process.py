"""``tg-process``: trains in a child process that sees only the package."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from tg.common.delivery.sagemaker import Executor, ProcessExecutor, ProcessOptions
from tg_mlflow.places.config import JobConfig
from tg_mlflow.places.distribution_config import HostsConfig
from tg_mlflow.places.place import Place


class ProcessConfig(HostsConfig, JobConfig):
    """Keys of the place ``tg-process``.

    Attributes:
        stop_grace_seconds: How long the job may take to stop before it is killed.
        checkpoints: Whether to keep the job's checkpoints even if it completes; or the folder to keep them in, relative
            to the project's folder or absolute, which the next training goes on from.
        env_manager: Whether a script runs in the environment that its project declares (``declared``), or with the
            libraries that are installed here (``local``).
    """

    place = "tg-process"

    stop_grace_seconds: float = Field(default=120, ge=0)
    checkpoints: bool | str = False
    env_manager: Literal["declared", "local"] = "declared"


class ProcessPlace(Place):
    """Trains in a child process that sees only the package."""

    config_model = ProcessConfig
    options_model = ProcessOptions

    def build_options(self, config: ProcessConfig, folder: Path) -> ProcessOptions:
        return ProcessOptions(stop_grace_seconds=config.stop_grace_seconds)

    def open(self, options: ProcessOptions, is_shared: bool = False) -> Executor:
        return ProcessExecutor(options)
