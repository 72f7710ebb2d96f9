"""Finds the secrets in a project's parameters, configuration and variables."""

import os
from collections.abc import Mapping
from pathlib import Path

from tg.common.secrets import SecretMask
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.project.environment import read_environment
from tg_mlflow.project.project import Project, ProjectCommand
from tg_mlflow.project.secret_arguments import find_secret_arguments
from tg_mlflow.project.train_command import TrainCommand


def find_secrets(
    params: Mapping[str, str], project: Project, command: ProjectCommand, config: PlaceConfig
) -> SecretMask:
    """Builds the mask of a training: secrets of this process, of ``environment.env``, and given ones.

    Args:
        params: The entry point's parameters, as the user wrote them.
        project: The project, whose ``environment.env`` is read.
        command: The factory's arguments, which may have other names; annotations mark some as secret.
        config: Its ``secrets`` name what is secret besides what looks so.

    Raises:
        ProjectError: If ``environment.env`` cannot be read.
    """
    annotated = find_secret_arguments(project.folder, command) if isinstance(command, TrainCommand) else ()
    known = config.model_copy(update={"secrets": [*config.secrets, *annotated]})
    return find_config_secrets(project.folder, known, params, dict(command.arguments))


def find_config_secrets(folder: Path, config: PlaceConfig, *values: Mapping[str, str]) -> SecretMask:
    """Builds a mask from this process, ``environment.env`` in a folder, a configuration and other values.

    Args:
        folder: The folder.
        config: Its ``secrets`` name what is secret besides what looks so.
        values: Other values by name, such as parameters.

    Raises:
        ProjectError: If ``environment.env`` cannot be read.
    """
    environment: Mapping[str, str] = getattr(config, "environment", {})
    # By the users' names; other values, such as an image's build options, by their paths.
    named = (environment, config.hyperparameters, config.sweep, config.tags)
    others = config.model_dump(mode="json", exclude={"environment", "hyperparameters", "sweep", "tags", "secrets"})
    given = (read_environment(folder), *named, others, *values)
    return SecretMask.of_variables(os.environ, *given, listed=config.secrets)
