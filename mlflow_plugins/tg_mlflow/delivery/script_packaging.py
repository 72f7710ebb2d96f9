"""Describes the package of a script: the files of its project, and what it requires."""

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import mlflow

from tg.common.delivery.delivery import DependencyList, Packaging
from tg.common.delivery.delivery.code.installed_distributions import name_distribution, pin_builds, pin_distributions
from tg.common.delivery.delivery.code.project_ignore import IS_STORE
from tg.common.delivery.delivery.code.project_surroundings import lay_out, list_files
from tg.common.delivery.delivery.code.project_tree import ProjectTree, collect_project_tree
from tg.common.delivery.delivery.package.project_archive import build_project_archive
from tg.common.delivery.sagemaker import SagemakerJob
from tg.common.delivery.sagemaker.command import CommandTask
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.project.environments.declaration import DeclaredEnvironment
from tg_mlflow.project.project import Project

_logger = logging.getLogger("mlflow.tg_mlflow")

_VERSION_LENGTH = 8
_MOST_NAMED = 10
_MLFLOW = ("mlflow", "mlflow-skinny")


def package_scripts(
    tasks: Sequence[CommandTask],
    payload: Mapping[str, SagemakerJob],
    project: Project,
    declared: DeclaredEnvironment,
    config: PlaceConfig,
) -> Packaging:
    """Describes a package of tasks that run commands in one project.

    It is named after the project, and its version is a digest of the project's files. It requires what the project
    declares, or else what the project's code imports, in the versions that are installed here.

    Args:
        tasks: The tasks.
        payload: Their jobs, by the names of objects.
        project: The project.
        declared: The environment that it declares.
        config: The configuration.

    Raises:
        PackagingError: If the files are too large, or one cannot be read.
    """
    skipped = {Path(project.folder, config.datasets_folder).resolve()} if config.dataset is not None else set()
    tree = collect_project_tree(project.folder, config.data_files, skipped, config.project_limit_mb)
    _tell_differences(tree)
    travelling = {name: path for task in tasks for name, path in task.files.items()}
    root, place, files = lay_out(
        project.folder.resolve(), {**tree.files, **tree.around, **_list_travelling(travelling)}
    )
    content = build_project_archive(root, files)
    packaging = Packaging(_name_package(project.name), hashlib.sha256(content).hexdigest()[:_VERSION_LENGTH], payload)
    packaging.project = content
    packaging.core = ()
    packaging.environment = declared.describe()
    requirements = _find_requirements(tree) if declared.source is None else declared.requirements
    packaging.dependencies = [DependencyList("project", requirements)]
    for task in tasks:
        task.folder = str(place)
        task.variables = dict(declared.variables)
        task.source_folders = list(declared.source_folders)
    return packaging


def _name_package(name: str) -> str:
    return re.sub(r"^(?=\d)|[^A-Za-z0-9_]", "_", name)


def _list_travelling(travelling: Mapping[str, Path]) -> dict[PurePosixPath, Path]:
    """Lists the files of what parameters name outside of the project, by their paths in its copy."""
    found: dict[PurePosixPath, Path] = {}
    for name, path in travelling.items():
        found |= {PurePosixPath(name, each.relative_to(path)): each for each in list_files(path)}
    return found


def _tell_differences(tree: ProjectTree) -> None:
    """Says what of a project does not travel with a script, which may look for it, and what else does."""
    if tree.around:
        _logger.info("From outside of the project, as its scripts read it: %s", ", ".join(map(str, tree.around)))
    # No script looks for hidden folders, nor for the runs of a store that another process has open.
    said = {path: reason for path, reason in tree.left_out.items() if path.name[0] != "." and reason != IS_STORE}
    shown = [f"{path} {reason}" for path, reason in said.items()]
    if shown:
        more = f"; and {len(shown) - _MOST_NAMED:,} more" if len(shown) > _MOST_NAMED else ""
        _logger.info("Left out of the project's copy: %s%s", "; ".join(shown[:_MOST_NAMED]), more)


def _find_requirements(tree: ProjectTree) -> list[str]:
    """Pins what the project's code imports to the versions that are installed here."""
    distributions = tree.find_distributions()
    pinned = pin_distributions(distributions)
    lines = [*pinned, *pin_builds(distributions, pinned)]
    if "mlflow" in tree.find_imported() and not {name_distribution(line) for line in lines} & set(_MLFLOW):
        lines.append(f"mlflow=={mlflow.__version__}")
    return sorted(set(lines), key=str.lower)
