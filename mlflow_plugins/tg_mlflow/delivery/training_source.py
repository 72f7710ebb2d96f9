"""Where a training comes from: it is prepared anew for each place that is tried."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from tg.common.delivery.delivery import temporary_folder
from tg.common.delivery.sagemaker import SagemakerConfig, SagemakerExecutor
from tg_mlflow.delivery.made_package import make_once
from tg_mlflow.delivery.project_delivery import build_delivery, warn_of_ignored_calls
from tg_mlflow.places.config import BackendConfig
from tg_mlflow.project.environment import project_environment
from tg_mlflow.project.modules import project_modules
from tg_mlflow.project.project import Project
from tg_mlflow.project.task_factory import build_task
from tg_mlflow.project.train_command import TrainCommand


class TrainingSource(Protocol):
    """Gives a training to whoever has it trained."""

    def delivering(self, config: BackendConfig) -> AbstractContextManager[SagemakerConfig]:
        """Opens what is needed until the job has been submitted.

        Args:
            config: How it is to be delivered.

        Returns:
            A context with the delivery.
        """

    def following(self, executor: SagemakerExecutor, job_id: str) -> AbstractContextManager[None]:
        """Opens what is needed while the job runs."""


@dataclass(frozen=True)
class ProjectTraining:
    """What a project's factory makes.

    Attributes:
        project: The project.
        command: The factory and its arguments.
    """

    project: Project
    command: TrainCommand

    @contextmanager
    def delivering(self, config: BackendConfig) -> Iterator[SagemakerConfig]:
        """Has the project's modules and variables at hand, as its code needs them to be packaged.

        Raises:
            TgError: If the project, its data or the configuration do not fit.
            Exception: Whatever the project's code raises, unchanged.
        """
        folder = self.project.folder
        # The modules first, as projects take turns in them.
        with project_modules(folder, [self.command.module]), project_environment(folder):
            delivery = build_delivery(build_task(self.command), self.project, config)
            with temporary_folder() as package_folder:
                _, [made] = make_once([delivery], package_folder)
                warn_of_ignored_calls(delivery.packaging, config)
                yield made

    def following(self, executor: SagemakerExecutor, job_id: str) -> AbstractContextManager[None]:
        """Has the variables at hand where credentials may be among them, which are read again when they expire."""
        return project_environment(self.project.folder) if executor.is_remote else nullcontext()
