"""A task as a job, which can be delivered and run by itself."""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ....errors import TaskDefinitionError
from ....logger import Logger
from ....ml.training_core import AbstractTrainingTask
from ....secrets import SecretMask
from ...delivery.package.pickling import Rename
from ..archive.completion import write_completion_marker
from ..archive.names import HYPERPARAMETERS, OUTPUT_DATA, PACKAGE, PROPERTIES, TASK
from ..archive.unkept import remove_unkept
from ..contract import own_lines
from ..contract.ml_folder import HYPERPARAMETERS_NAME, MlFolder
from ..contract.variables import find_dataset, is_one_of_several
from ..mlflow_store import recording_mlflow
from .environment import ArchiveEnvironment
from .relay import is_relayed
from .task_description import describe_task

# Names in hyperparameters.json that are SageMaker's own: its framework images' and its tuner's.
_FOREIGN_PREFIXES = ("sagemaker_", "_tuning_objective_metric")
_NO_JSON = object()


class SagemakerJob:
    """Wraps a task: the task trains, the job supplies its data and keeps its results.

    Args:
        task: What is trained.

    Raises:
        TaskDefinitionError: If it is not a task.
    """

    def __init__(self, task: AbstractTrainingTask) -> None:
        if not isinstance(task, AbstractTrainingTask):
            raise TaskDefinitionError(f"{task!r} is a {type(task).__name__}; give an AbstractTrainingTask")
        self.task = task

    def run(
        self, folder: MlFolder, properties: Mapping[str, Any], package: bytes, rename: Rename | None = None
    ) -> None:
        """Trains as a job: reads from and writes to ``folder``.

        Args:
            folder: ``/opt/ml``, or its counterpart.
            properties: The package's properties.
            package: The package's file.
            rename: Maps a module to its name in the package, if this does not run in the package.

        Raises:
            HyperparameterError: If the task does not have a hyperparameter.
            Exception: Whatever the task raises, unchanged.
        """
        Logger.info(own_lines.IS_TRAINING)
        for each in (folder.model, folder.output_data):
            each.mkdir(parents=True, exist_ok=True)
        Logger.info(own_lines.PREPARING_PROPERTIES)
        is_first = not folder.member  # the files of all are written once
        if is_first:
            _write_json(folder.model / PROPERTIES, properties)
        Logger.info(json.dumps(properties))
        Logger.info(own_lines.PREPARING_PACKAGE)
        if is_first:
            (folder.model / PACKAGE).write_bytes(package)
        Logger.info(own_lines.PROCESSING_HYPERPARAMETERS)
        hyperparameters = read_hyperparameters(folder)
        # Files and logs are masked, as others read them; the task itself sees everything.
        mask = SecretMask.of_variables(os.environ, hyperparameters)
        if hyperparameters:
            self.task.apply_hyperparams(hyperparameters)
            if is_first:
                _write_json(folder.model / HYPERPARAMETERS, mask.mask_named(hyperparameters))
            Logger.info(json.dumps(mask.mask_named(hyperparameters)))
        else:
            Logger.info(own_lines.NO_HYPERPARAMETERS)
        Logger.info(own_lines.INITIALIZED)
        if is_first:
            (folder.model / TASK).write_text(describe_task(self.task, mask), encoding="utf-8")
        Logger.info(own_lines.STARTING)
        try:
            with recording_mlflow(folder, self.task.get_parameters()):
                self.task.run_with_environment(find_dataset(folder), ArchiveEnvironment(folder, package, rename))
        except BaseException:
            with suppress(OSError):  # which would hide why it has failed
                for each in (folder.model, folder.output_data):
                    _leave_out_unkept(each)
            raise
        _keep_output(folder)
        if not is_one_of_several():  # or the archive is complete when all of them have ended
            complete_archive(folder)


def complete_archive(folder: MlFolder) -> None:
    """Completes what a training has made, which becomes its archive."""
    left_out = _leave_out_unkept(folder.model)
    write_completion_marker(folder.model, left_out, awaits_log_size=is_relayed())


def _leave_out_unkept(folder: Path) -> dict[str, str]:
    """Removes what would keep the rest of a folder from being brought back; says what, and why."""
    left_out = remove_unkept(folder)
    for name, reason in left_out.items():
        Logger.warning(f"{name!r} is left out of the results: it is {reason}")
    return left_out


def _keep_output(folder: MlFolder) -> None:
    """Moves what a training has made besides its model into the archive, which all places bring back."""
    made = list(folder.output_data.iterdir()) if folder.output_data.is_dir() else []
    target = folder.model / OUTPUT_DATA
    for each in made:
        target.mkdir(parents=True, exist_ok=True)
        shutil.move(each, target / each.name)


def read_hyperparameters(folder: MlFolder) -> dict[str, str]:
    """Reads a job's hyperparameters, without those that are SageMaker's own.

    Some versions of AWS's SDK encode each value as JSON again, so that a string arrives in quotes: both forms are read.
    The value of a path with the type ``json`` keeps quotes without which it would not be JSON.
    """
    path = folder.config / HYPERPARAMETERS_NAME
    given = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {name: _decode(name, value) for name, value in given.items() if not name.startswith(_FOREIGN_PREFIXES)}


def _decode(name: str, value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    decoded = _read_json(value)
    if not isinstance(decoded, str) or (name.endswith(":json") and _read_json(decoded) is _NO_JSON):
        return value
    return decoded


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return _NO_JSON


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
