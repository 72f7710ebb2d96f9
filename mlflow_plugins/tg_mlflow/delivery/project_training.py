"""The training of a project: its factory is called again for each attempt."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

from tg.common.delivery.sagemaker import Executor, SagemakerConfig
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.delivery.job_python import find_job_python
from tg_mlflow.delivery.made_package import make_once
from tg_mlflow.delivery.project_delivery import build_delivery
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.project.environment import project_environment
from tg_mlflow.project.modules import project_modules
from tg_mlflow.project.project import Project, ProjectCommand
from tg_mlflow.project.task_factory import build_task


@dataclass(frozen=True)
class ProjectTraining:
    """The task that a project's factory returns.

    Attributes:
        project: The project.
        command: The factory and its arguments.
    """

    project: Project
    command: ProjectCommand

    @contextmanager
    def delivering(self, config: PlaceConfig) -> Iterator[SagemakerConfig]:
        """Makes the project's modules and variables available, as its code needs them to be packaged.

        Raises:
            TgError: If the project, its data or the configuration is invalid.
            Exception: Any exception of the project's code, unchanged.
        """
        folder = self.project.folder
        # The modules first, as projects take turns in them.
        with project_modules(folder, self.command.modules), project_environment(folder):
            delivery = build_delivery(build_task(self.command), self.project, config)
            with temporary_folder() as package_folder:
                package, [made] = make_once([delivery], package_folder)
                yield replace(made, python=find_job_python(package, config))

    def following(self, executor: Executor, job_id: str) -> AbstractContextManager[None]:
        """Sets the variables that may hold credentials, which are read again when they expire."""
        return project_environment(self.project.folder) if executor.traits.needs_credentials else nullcontext()
