"""Describes what a training would do, and starts nothing."""

import json
from collections.abc import Mapping
from typing import Any

from tg.common import DeliveryError, TgError
from tg.common.secrets import SecretMask
from tg_mlflow.delivery.project_delivery import build_delivery
from tg_mlflow.errors import as_cause, describe_failure
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.registry import find_place
from tg_mlflow.project.environment import project_environment
from tg_mlflow.project.modules import project_modules
from tg_mlflow.project.project import Project, ProjectCommand
from tg_mlflow.project.task_factory import build_task


def describe_dry_run(project: Project, command: ProjectCommand, config: PlaceConfig, mask: SecretMask) -> str:
    """Runs all checks of a training before its start, and describes as JSON what it would do, without secrets.

    Args:
        project: The project.
        command: The factory and its arguments.
        config: The place's configuration.
        mask: The secrets.

    Raises:
        TgError: If the project, its data or its configuration is invalid.
        Exception: Any exception of the project's code, unchanged.
    """
    try:
        with project_modules(project.folder, command.modules), project_environment(project.folder):
            delivery = build_delivery(build_task(command), project, config)
            described = find_place(config.place).describe_dry_run(delivery, config)
    except TgError as error:
        raise DeliveryError(mask.mask(describe_failure(error))) from as_cause(error, mask)
    return json.dumps(_mask(described, mask), indent=2, ensure_ascii=False)


def _mask(value: Any, mask: SecretMask) -> Any:
    """Masks a description; numbers stay numbers."""
    if isinstance(value, str):
        return mask.mask(value)
    if isinstance(value, list):
        return [_mask(each, mask) for each in value]
    if isinstance(value, Mapping):
        named = ("HyperParameters", "Environment")  # their names are the user's
        return {name: mask.mask_named(each) if name in named else _mask(each, mask) for name, each in value.items()}
    return value
