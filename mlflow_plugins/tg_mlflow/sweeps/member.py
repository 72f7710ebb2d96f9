"""One training of a sweep, and the configuration that it has."""

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
        name: What it is called, by what varies.
        combination: Its value of each swept parameter.
        params: What its run has as parameters besides its hyperparameters, such as the entry point's, as texts.
        config: How it is delivered; with its own hyperparameters.
        make_task: Makes the task. What of it is the project's has to be importable then.
    """

    name: str
    combination: Mapping[str, Any]
    params: Mapping[str, str]
    config: PlaceConfig
    make_task: Callable[[], AbstractTrainingTask]


def number_job(config: PlaceConfig, number: int) -> PlaceConfig:
    """Gives a training of a sweep a job name of its own, where the configuration names one."""
    numbered: PlaceConfig = find_place(config.place).number_job(config, number)
    return numbered


def check_goes_with_sweep(config: PlaceConfig) -> None:
    """Checks that a configuration is not for one training alone.

    Raises:
        BackendConfigError: If a key of it does not go with a sweep.
    """
    for key in ("detach", "dry_run"):
        if getattr(config, key, False):
            raise BackendConfigError(f"{key} does not go with sweep; leave out one")
