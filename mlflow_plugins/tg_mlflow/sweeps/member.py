"""One training of a sweep, and its configuration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tg.common.ml.training_core import AbstractTrainingTask
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.registry import find_place


@dataclass(frozen=True)
class SweepMember:
    """One training of a sweep.

    Attributes:
        name: Its name, from what varies.
        combination: Its values of the swept parameters.
        params: The parameters of its run besides its hyperparameters, such as the entry point's, as strings.
        config: The place's configuration, with its own hyperparameters.
        make_task: Makes the task. What of it is the project's has to be importable then.
    """

    name: str
    combination: Mapping[str, Any]
    params: Mapping[str, str]
    config: PlaceConfig
    make_task: Callable[[], AbstractTrainingTask]


def number_job(config: PlaceConfig, number: int) -> PlaceConfig:
    """Gives a training of a sweep its own job name, if the configuration names one."""
    numbered: PlaceConfig = find_place(config.place).number_job(config, number)
    return numbered


def check_goes_with_sweep(config: PlaceConfig) -> None:
    """Checks that a configuration is not for a single training only.

    Raises:
        BackendConfigError: If one of its keys cannot be combined with a sweep.
    """
    for key in ("detach", "dry_run"):
        if getattr(config, key, False):
            raise BackendConfigError(f"{key} does not go with sweep; leave out one")
