"""The source of a sweep's tasks."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.project.environment import project_environment
from tg_mlflow.project.modules import project_modules
from tg_mlflow.project.project import Project
from tg_mlflow.sweeps.delivery import SweepDelivery, delivering_sweep
from tg_mlflow.sweeps.member import SweepMember


class SweepSource(Protocol):
    """Supplies the tasks of a sweep and their package."""

    def delivering(self, members: Sequence[SweepMember], config: PlaceConfig) -> AbstractContextManager[SweepDelivery]:
        """Opens the delivery for as long as the sweep is trained.

        Args:
            members: The trainings.
            config: What is the same for all of them.
        """


@dataclass(frozen=True)
class ProjectSweep:
    """The tasks that a project's factory makes.

    Attributes:
        project: The project.
    """

    project: Project

    @contextmanager
    def delivering(self, members: Sequence[SweepMember], config: PlaceConfig) -> Iterator[SweepDelivery]:
        """Makes the project's modules and variables available, which its code needs to be packaged.

        Raises:
            TgError: If the project, its data or the configuration is invalid.
            Exception: Any exception of the project's code, unchanged.
        """
        folder = self.project.folder
        with (
            project_modules(folder, self.project.modules),
            project_environment(folder),
            delivering_sweep(self.project, members, config) as delivery,
        ):
            yield delivery


@dataclass(frozen=True)
class TaskSweep:
    """Existing tasks.

    Attributes:
        project: The project with their data.
    """

    project: Project

    @contextmanager
    def delivering(self, members: Sequence[SweepMember], config: PlaceConfig) -> Iterator[SweepDelivery]:
        """Sets the variables of the folder's ``environment.env``.

        Raises:
            TgError: If the tasks, their data or the configuration is invalid.
        """
        with (
            project_environment(self.project.folder),
            delivering_sweep(self.project, members, config) as delivery,
        ):
            yield delivery
