"""The training of a finished package, such as that of a run: of its project, at most the data are needed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tg.common.delivery.delivery import install_package_and_get_loader
from tg.common.delivery.delivery.package.finished_package import read_finished_package
from tg.common.delivery.delivery.package.package_check import load_prepared
from tg.common.delivery.sagemaker import Executor, SagemakerConfig, SagemakerJob
from tg.common.errors import TaskDefinitionError
from tg.common.ml.training_core import AbstractTrainingTask
from tg_mlflow.delivery.job_python import find_job_python
from tg_mlflow.delivery.made_package import MadePackaging
from tg_mlflow.delivery.pinned_requirements import pin_to_versions
from tg_mlflow.delivery.project_delivery import build_containering, build_options
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.project.environment import project_environment
from tg_mlflow.project.project import Project


class PackagedTask(AbstractTrainingTask):
    """Stands for a task that only its job loads: its libraries, in their versions, may not be here.

    Args:
        metric_names: Its metrics, as far as they are known.
    """

    def __init__(self, metric_names: Sequence[str]) -> None:
        super().__init__()
        self._metric_names = list(metric_names)

    def get_metric_names(self) -> list[str]:
        return self._metric_names

    def run_with_environment(self, data: Any, environment: Any) -> None:
        raise TaskDefinitionError("the task is in its package, and is loaded by its job alone")


@dataclass(frozen=True)
class PackagedTraining:
    """A task in a finished package, which is trained as it is.

    Attributes:
        path: The package's file.
        resource: The name of the job among the package's objects.
        project: Where the data are.
        metric_names: The task's metrics, as far as they are known without loading it.
        variables: Variables for the job, if the configuration does not set them.
        libraries: The versions of libraries that an image or an environment gets where requirements leave them open.
        known_image: The id of an image that holds the package.
        loads_task: Whether the task has to be loaded here, as it is trained in this process.
    """

    path: Path
    resource: str
    project: Project
    metric_names: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    known_image: str | None = None
    loads_task: bool = False

    @contextmanager
    def delivering(self, config: PlaceConfig) -> Iterator[SagemakerConfig]:
        """Describes the delivery of the package.

        Raises:
            TgError: If it cannot be read, or loaded here where it has to be, or the configuration is invalid.
        """
        with project_environment(self.project.folder):
            package = read_finished_package(self.path)
            package = replace(package, requirements=pin_to_versions(package.requirements, self.libraries))
            job = self._load_job() if self.loads_task else SagemakerJob(PackagedTask(self.metric_names))
            made = MadePackaging(package, {self.resource: job})
            containering = build_containering(made, self.project.folder, config)
            containering.known_image = self.known_image
            options = build_options(self.project, config)
            options = replace(options, environment={**self.variables, **options.environment})
            yield SagemakerConfig(job, made, containering, options, find_job_python(package, config))

    def _load_job(self) -> SagemakerJob:
        loader = install_package_and_get_loader(self.path)
        job: SagemakerJob = load_prepared(loader, self.resource)  # of the package's own version of this library
        return job

    def following(self, executor: Executor, job_id: str) -> AbstractContextManager[None]:
        """Sets the variables that may hold credentials, which are read again when they expire."""
        return project_environment(self.project.folder) if executor.traits.needs_credentials else nullcontext()
