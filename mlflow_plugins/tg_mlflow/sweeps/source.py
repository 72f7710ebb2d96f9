"""Where the tasks of a sweep come from."""

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
        """Opens what is needed while the sweep is trained.

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
        """Has the project's modules and variables at hand, as its code needs them to be packaged.

        Raises:
            TgError: If the project, its data or the configuration do not fit.
            Exception: Whatever the project's code raises, unchanged.
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
    """Tasks that are there.

    Attributes:
        project: Where their data are.
    """

    project: Project

    @contextmanager
    def delivering(self, members: Sequence[SweepMember], config: PlaceConfig) -> Iterator[SweepDelivery]:
        """Has the variables of the folder's ``environment.env`` at hand.

        Raises:
            TgError: If the tasks, their data or the configuration do not fit.
        """
        with (
            project_environment(self.project.folder),
            delivering_sweep(self.project, members, config) as delivery,
        ):
            yield delivery
