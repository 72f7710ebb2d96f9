"""Everything an executor needs to know of one training."""

from dataclasses import dataclass
from pathlib import Path

from ...delivery.image.containering import Containering
from ...delivery.package.packaging import Packaging
from ..options.options import SagemakerOptions
from ..runtime.job import SagemakerJob


@dataclass(frozen=True)
class SagemakerConfig:
    """A training and how it is delivered.

    Attributes:
        job: What runs.
        packaging: How it is packaged; not used by an attached training.
        containering: How its image is built; only used where it runs in a container.
        options: Its data, and what its job gets.
        python: The Python of a job in a child process; ``None`` for the launcher's.
    """

    job: SagemakerJob
    packaging: Packaging
    containering: Containering
    options: SagemakerOptions
    python: Path | None = None

    @property
    def resource_name(self) -> str:
        """The name of the job among the package's objects."""
        return next((name for name, value in self.packaging.payload.items() if value is self.job), "job")

    @property
    def job_title(self) -> str:
        """A readable title: the project's and the task's name, or the package's if the task has none."""
        name = self.job.task.info.get("name")
        return f"{self.options.project_name}-{name}" if name else self.packaging.name.lower()
