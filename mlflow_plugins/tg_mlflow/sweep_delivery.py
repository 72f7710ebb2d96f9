"""Brings the tasks of a sweep into one package, which is made once."""

import copy
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tg.common.delivery.delivery import Package, Packaging
from tg.common.delivery.sagemaker import SagemakerConfig
from tg_mlflow.backend_config import BackendConfig
from tg_mlflow.project import Project
from tg_mlflow.project_delivery import build_deliveries, build_options
from tg_mlflow.sweep_plan import SweepMember
from tg_mlflow.task_factory import build_task


class MadePackaging(Packaging):
    """Describes a package that has been made; making it once more copies it.

    Args:
        packaging: How it was made.
        package: What was made.
    """

    def __init__(self, packaging: Packaging, package: Package) -> None:
        super().__init__(packaging.name, packaging.version, packaging.payload)
        self.silent = packaging.silent
        self._package = package

    def make_package(self, folder: Path) -> Package:
        """Copies the package to ``folder``."""
        path = folder / self._package.path.name
        shutil.copyfile(self._package.path, path)
        return replace(self._package, path=path)


@contextmanager
def delivering_sweep(
    project: Project, members: Sequence[SweepMember], config: BackendConfig
) -> Iterator[list[SagemakerConfig]]:
    """Builds the members' tasks and makes their package, which is there while the context is open.

    The project's modules have to be importable.

    Raises:
        TgError: If the project, its data or the configuration do not fit.
        Exception: Whatever the project's code raises, unchanged.
    """
    tasks = [build_task(member.command) for member in members]
    for task, member in zip(tasks, members, strict=True):
        task.info["name"] = member.name
        task.info["sweep_parameters"] = dict(member.combination)
    deliveries = build_deliveries(tasks, project, config)
    with tempfile.TemporaryDirectory(prefix="tg-mlflow-") as folder:
        packaging = deliveries[0].packaging
        made = MadePackaging(packaging, packaging.make_package(Path(folder)))
        containering = copy.copy(deliveries[0].containering)
        containering.packaging = made
        yield [
            SagemakerConfig(delivery.job, made, containering, build_options(project, member.config))
            for delivery, member in zip(deliveries, members, strict=True)
        ]
