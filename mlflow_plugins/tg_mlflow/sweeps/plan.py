"""Plans the trainings of a sweep, and their names."""

import itertools
import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from tg.common.delivery.sagemaker import format_sweep_names
from tg.common.ml.training_core import AbstractTrainingTask
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.project.project import Project, ProjectCommand
from tg_mlflow.project.task_factory import build_task
from tg_mlflow.sweeps.member import SweepMember, check_goes_with_sweep, number_job

# Nobody looks at more runs; a larger grid is a mistake, or should be sampled.
_MOST_MEMBERS = 10_000


def plan_sweep(project: Project, entry_point: str, given: Mapping[str, Any], config: PlaceConfig) -> list[SweepMember]:
    """Lists the trainings of ``config.sweep``, the last parameter varying fastest.

    A swept name with a dot is a part of the task, as a hyperparameter; another one is a parameter of the entry point.
    Values other than texts are written as JSON there, as the factory's annotations are read.

    Args:
        project: The project.
        entry_point: The entry point to train.
        given: The user's parameters, the same for all.
        config: The configuration, with the sweep.

    Raises:
        BackendConfigError: If a parameter has no values, there are too many combinations, or the key cannot be used
            with a sweep.
        TaskDefinitionError: If a combination occurs twice.
        ProjectError: For a parameter that the entry point does not know.
    """
    _check(config, given)
    check_goes_with_sweep(config)
    combinations = list(_choose(config))
    names = format_sweep_names(combinations)
    return [
        _build_member(project, entry_point, given, config, combination, name, number)
        for number, (combination, name) in enumerate(zip(combinations, names, strict=True), start=1)
    ]


def _check(config: PlaceConfig, given: Mapping[str, Any]) -> None:
    for name, values in config.sweep.items():
        if not values:
            raise BackendConfigError(f"sweep has no values for {name!r}; give a list such as [0.1, 1]")
        if name in given:
            raise BackendConfigError(f"{name!r} is swept and given, too; leave out one")
        if name in config.hyperparameters:
            raise BackendConfigError(f"{name!r} is swept and among hyperparameters, too; leave out one")
    total = math.prod(len(values) for values in config.sweep.values())
    count = min(total, config.sweep_samples or total)
    if count > _MOST_MEMBERS:
        raise BackendConfigError(
            f"sweep has {count:,} combinations, more than {_MOST_MEMBERS:,}; choose some with sweep_samples"
        )


def _choose(config: PlaceConfig) -> Iterator[dict[str, Any]]:
    total = math.prod(len(values) for values in config.sweep.values())
    if config.sweep_samples is None or config.sweep_samples >= total:
        for values in itertools.product(*config.sweep.values()):
            yield dict(zip(config.sweep, values, strict=True))
        return
    for number in sorted(random.Random(config.sweep_seed).sample(range(total), config.sweep_samples)):
        yield _combination_at(config.sweep, number)


def _combination_at(grid: Mapping[str, Sequence[Any]], number: int) -> dict[str, Any]:
    """Returns the combination of a number in the order of the whole grid, without building the grid."""
    chosen = {}
    for name, values in reversed(list(grid.items())):
        number, index = divmod(number, len(values))
        chosen[name] = values[index]
    return {name: chosen[name] for name in grid}


def _build_member(
    project: Project,
    entry_point: str,
    given: Mapping[str, Any],
    config: PlaceConfig,
    combination: Mapping[str, Any],
    name: str,
    number: int,
) -> SweepMember:
    swept = {key: _as_text(value) for key, value in combination.items() if "." not in key}
    parts = {key: value for key, value in combination.items() if "." in key}
    params = project.resolve_parameters(entry_point, {**given, **swept})
    own = {"hyperparameters": {**config.hyperparameters, **parts}}
    make_task = partial(_make_task, project.build_command(entry_point, params), name, combination)
    return SweepMember(name, combination, params, number_job(config, number).model_copy(update=own), make_task)


def _make_task(command: ProjectCommand, name: str, combination: Mapping[str, Any]) -> AbstractTrainingTask:
    task = build_task(command)
    task.info["name"] = name
    task.info["sweep_parameters"] = dict(combination)
    return task


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
