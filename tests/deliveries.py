"""Trainings to be given to an executor."""

from pathlib import Path
from typing import Any

from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.sagemaker import SagemakerConfig, SagemakerJob, SagemakerOptions
from tg.common.ml.training_core import AbstractTrainingTask


def build_delivery(
    task: AbstractTrainingTask, folder: Path, dataset: str | None = None, version: str = "0", **options: Any
) -> SagemakerConfig:
    """Builds the delivery of a task, in a package of its class's name, for the project ``project``.

    Args:
        task: What is trained.
        folder: That of the datasets.
        dataset: A file in ``folder / "project"``.
        version: The package's.
        options: More of SagemakerOptions.
    """
    job = SagemakerJob(task)
    packaging = Packaging(type(task).__name__.strip("_"), version, {"job": job})
    packaging.silent = True
    settings = SagemakerOptions(None, None, "project", folder, dataset, **options)
    return SagemakerConfig(job, packaging, Containering.from_packaging(packaging), settings)
