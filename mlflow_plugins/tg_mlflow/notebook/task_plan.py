"""Plans the trainings of a list of tasks, and their names."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tg.common.errors import TaskDefinitionError
from tg.common.ml.training_core import AbstractTrainingTask
from tg.common.secrets import MASK, reveal_all
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.sweeps.member import SweepMember, number_job


def plan_tasks(tasks: Sequence[AbstractTrainingTask], config: PlaceConfig) -> list[SweepMember]:
    """Describes the training of each task, in their order.

    A task's name is ``task.info["name"]`` and its parameters are ``task.info["sweep_parameters"]``, as ``Autonamer``
    sets them; a task without a name gets its number.

    Args:
        tasks: The tasks.
        config: How each is delivered.

    Raises:
        TaskDefinitionError: If there are none, one is not a task, or two are the same object or have the same name.
    """
    if not tasks:
        raise TaskDefinitionError("there are no tasks; give at least one")
    members: dict[str, SweepMember] = {}
    numbers: dict[int, int] = {}
    for number, task in enumerate(tasks, start=1):
        if not isinstance(task, AbstractTrainingTask):
            raise TaskDefinitionError(f"task {number} is a {type(task).__name__}; give an AbstractTrainingTask")
        if (earlier := numbers.setdefault(id(task), number)) != number:
            raise TaskDefinitionError(f"tasks {earlier} and {number} are one object; build a task for each training")
        name = str(task.info.get("name") or f"task-{number}")
        if name in members:
            raise TaskDefinitionError(f"two tasks are called {name!r}; give each a name of its own in task.info")
        members[name] = _describe(task, name, number_job(config, number))
    return list(members.values())


def _describe(task: AbstractTrainingTask, name: str, config: PlaceConfig) -> SweepMember:
    task.info["name"] = name
    parameters: Mapping[str, Any] = task.info.get("sweep_parameters") or {}
    revealed, hidden = reveal_all(parameters)
    params = {key: value if isinstance(value, str) else json.dumps(value) for key, value in revealed.items()}
    config = config.model_copy(update={"secrets": [*config.secrets, *hidden]})
    secret = {each.partition(".")[0] for each in hidden}
    shown = {key: MASK if key in secret else value for key, value in revealed.items()}
    return SweepMember(name, shown, params, config, lambda: task)
