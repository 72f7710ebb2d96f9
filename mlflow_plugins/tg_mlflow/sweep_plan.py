"""Which trainings a sweep consists of, and what each is called."""

import itertools
import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tg.common.delivery.sagemaker import format_job_name, format_sweep_names
from tg_mlflow.backend_config import BackendConfig, RemoteConfig
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.project import Project
from tg_mlflow.train_command import TrainCommand

# So many runs are more than anybody looks at; a larger grid is a slip, or wants to be sampled.
_MOST_MEMBERS = 10_000


@dataclass(frozen=True)
class SweepMember:
    """One training of a sweep.

    Attributes:
        name: What it is called, by what varies.
        combination: Its value of each swept parameter.
        params: The entry point's parameters, as texts.
        command: The factory and its arguments.
        config: How it is delivered; with its own hyperparameters.
    """

    name: str
    combination: Mapping[str, Any]
    params: Mapping[str, str]
    command: TrainCommand
    config: BackendConfig


def plan_sweep(
    project: Project, entry_point: str, given: Mapping[str, Any], config: BackendConfig
) -> list[SweepMember]:
    """Lists the trainings of ``config.sweep``, the last parameter varying fastest.

    A swept name with a dot is a part of the task, as a hyperparameter; another one is a parameter of the entry point.
    Values other than texts are written as JSON there, as the factory's annotations are read.

    Args:
        project: The project.
        entry_point: What of it is trained.
        given: Parameters that the user gives, the same for all.
        config: The sweep, and how each of its trainings is delivered.

    Raises:
        BackendConfigError: If a parameter has no values, there are too many combinations, or the key cannot be used
            with a sweep.
        TaskDefinitionError: If a combination is there twice.
        ProjectError: For a parameter that the entry point does not know.
    """
    _check(config, given)
    combinations = list(_choose(config))
    names = format_sweep_names(combinations)
    return [
        _build_member(project, entry_point, given, config, combination, name, number)
        for number, (combination, name) in enumerate(zip(combinations, names, strict=True), start=1)
    ]


def _check(config: BackendConfig, given: Mapping[str, Any]) -> None:
    for name, values in config.sweep.items():
        if not values:
            raise BackendConfigError(f"sweep has no values for {name!r}; give a list such as [0.1, 1]")
        if name in given:
            raise BackendConfigError(f"{name!r} is swept and given as {str(given[name])!r}, too; leave out one")
        if name in config.hyperparameters:
            raise BackendConfigError(f"{name!r} is swept and among hyperparameters, too; leave out one")
    total = math.prod(len(values) for values in config.sweep.values())
    count = min(total, config.sweep_samples or total)
    if count > _MOST_MEMBERS:
        raise BackendConfigError(
            f"sweep has {count:,} combinations, more than {_MOST_MEMBERS:,}; choose some with sweep_samples"
        )
    for key in ("detach", "dry_run"):
        if getattr(config, key, False):
            raise BackendConfigError(f"{key} does not go with sweep; leave out one")


def _choose(config: BackendConfig) -> Iterator[dict[str, Any]]:
    total = math.prod(len(values) for values in config.sweep.values())
    if config.sweep_samples is None or config.sweep_samples >= total:
        for values in itertools.product(*config.sweep.values()):
            yield dict(zip(config.sweep, values, strict=True))
        return
    for number in sorted(random.Random(config.sweep_seed).sample(range(total), config.sweep_samples)):
        yield _combination_at(config.sweep, number)


def _combination_at(grid: Mapping[str, Sequence[Any]], number: int) -> dict[str, Any]:
    """The combination with a number in the order of the whole grid, which need not be written out for it."""
    chosen = {}
    for name, values in reversed(list(grid.items())):
        number, index = divmod(number, len(values))
        chosen[name] = values[index]
    return {name: chosen[name] for name in grid}


def _build_member(
    project: Project,
    entry_point: str,
    given: Mapping[str, Any],
    config: BackendConfig,
    combination: Mapping[str, Any],
    name: str,
    number: int,
) -> SweepMember:
    swept = {key: _as_text(value) for key, value in combination.items() if "." not in key}
    parts = {key: value for key, value in combination.items() if "." in key}
    params = project.resolve_parameters(entry_point, {**given, **swept})
    own: dict[str, Any] = {"hyperparameters": {**config.hyperparameters, **parts}}
    if isinstance(config, RemoteConfig) and config.job_name is not None:
        own["job_name"] = format_job_name(config.job_name, str(number))
    command = project.build_command(entry_point, params)
    return SweepMember(name, combination, params, command, config.model_copy(update=own))


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
