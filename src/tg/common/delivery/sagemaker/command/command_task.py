"""The task that runs a command."""

import json
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ....errors import CommandFailedError, HyperparameterError, TaskDefinitionError
from ....logger import Logger
from ....ml.training_core import AbstractTrainingTask, TrainingEnvironment
from ....secrets import SecretMask
from ....system.temporary_folder import temporary_folder
from ..contract.killed import explain_signal
from ..runtime.environment import ArchiveEnvironment
from .child_program import run_program
from .program_path import putting_python_first
from .project_copy import describe_changes, list_files, open_project
from .script_variables import build_script_variables

# Stands in a command for the folder that the project is copied to, which is known only in the job.
PROJECT_FOLDER = "__TG_PROJECT_FOLDER__"

_SHELLS = ("bash", "sh")
_MOST_NAMED = 20


class CommandTask(AbstractTrainingTask):
    """Runs a command in a writable copy of its project, with SageMaker's variables for scripts.

    Its output is the job's, unbuffered. Hyperparameters are added to the command as ``--name value``, as SageMaker's
    training toolkit does it. What the command writes to ``SM_MODEL_DIR`` becomes the model part of the archive.

    Args:
        command: The program and its arguments, or the text of a shell script. ``PROJECT_FOLDER`` in it stands for the
            copy's folder.
        parameters: The values that the command was made of, for those who read the task.

    Attributes:
        files: Further files to put into the copy, by their paths there; known only where the task is delivered.
        folder: Where the project lies in what travels with it, if that is more than the project.
        variables: Variables for the command where the job has none of these names.
        source_folders: Folders of the project whose modules can be imported from anywhere.
    """

    def __init__(
        self,
        command: Sequence[str] | str,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        if not command or not (isinstance(command, str) or all(isinstance(each, str) for each in command)):
            raise TaskDefinitionError(f"the command is {command!r}; give a text, or a program and its arguments")
        self.command = command if isinstance(command, str) else list(command)
        self.parameters = dict(parameters or {})
        self.hyperparameters: dict[str, str] = {}
        self.files: dict[str, Path] = {}
        self.folder = "."
        self.variables: dict[str, str] = {}
        self.source_folders: list[str] = []

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "files": {}}

    def get_parameters(self) -> Mapping[str, str]:
        return self.parameters

    def describe(self) -> dict[str, Any]:
        """Describes the task for people."""
        return {
            "command": self.command,
            "parameters": self.parameters,
            "hyperparameters": self.hyperparameters,
            "info": self.info,
        }

    def apply_hyperparams(self, hyperparams: Mapping[str, Any]) -> None:
        """Adds ``--name value`` to the command for each.

        Raises:
            HyperparameterError: If a name cannot be an option's.
        """
        for name, value in hyperparams.items():
            if not name or name.startswith("-") or name.split() != [name]:
                raise HyperparameterError(
                    f"hyperparameter {name!r} cannot be an option of a command; give a name without spaces"
                )
            self.hyperparameters[name] = value if isinstance(value, str) else json.dumps(value)

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        """Runs the command to its end.

        Raises:
            TaskDefinitionError: If this is not a job, so that there is no copy of the project.
            CommandFailedError: If it cannot be started, or ends with another exit code than 0.
        """
        if not isinstance(environment, ArchiveEnvironment):
            raise TaskDefinitionError(
                "a command runs in a job, not in memory; train it with `mlflow run` or an executor"
            )
        with temporary_folder() as above:
            folder = open_project(environment.package, above) / self.folder
            before = list_files(folder)
            arguments = self._build_arguments(folder)
            variables = {
                **self.variables,
                **os.environ,
                **build_script_variables(environment.ml, self._list_options(), self.hyperparameters, self.parameters),
                "PYTHONUNBUFFERED": "1",
                **self._build_python_path(folder),
            }
            with putting_python_first(variables):
                mask = SecretMask.of_variables(variables, self.parameters, self.hyperparameters)
                Logger.info(f"Running in a copy of the project: {mask.mask(shlex.join(arguments))}")
                code = _run(arguments, folder, variables, environment.is_attached)
            if code:
                raise _explain(arguments[0], code)
            if changed := describe_changes(folder, before):
                Logger.warning(
                    f"The command has written {len(changed):,} files to its folder, which is not kept: "
                    f"{', '.join(changed[:_MOST_NAMED])}{', …' if len(changed) > _MOST_NAMED else ''}; write what is "
                    "to be kept to SM_OUTPUT_DATA_DIR or SM_MODEL_DIR, or log it with MLflow"
                )

    def open_sources(self, package: bytes, above: str) -> list[str]:
        """Unpacks the project for a process that only imports from it; returns the entries of its Python path."""
        folder = open_project(package, Path(above)) / self.folder
        return [str(folder), *(str(folder / each) for each in self.source_folders)]

    def _build_python_path(self, folder: Path) -> dict[str, str]:
        path = [*(str(folder / each) for each in self.source_folders), os.environ.get("PYTHONPATH")]
        return {"PYTHONPATH": os.pathsep.join(filter(None, path))} if self.source_folders else {}

    def _list_options(self) -> list[str]:
        return [word for name, value in self.hyperparameters.items() for word in (_name_option(name), value)]

    def _build_arguments(self, folder: Path) -> list[str]:
        """Returns the program to run and its arguments, in the given copy."""
        options = self._list_options()
        if isinstance(self.command, str):
            shell = next((found for name in _SHELLS if (found := shutil.which(name))), _SHELLS[-1])
            # Its last command gets the options, as in `sh -c 'program "$@"'`.
            text = f'{self.command} "$@"' if options else self.command
            arguments = [shell, "-c", text, *(["command", *options] if options else [])]
        else:
            arguments = [*self.command, *options]
        return [each.replace(PROJECT_FOLDER, str(folder)) for each in arguments]


def _name_option(name: str) -> str:
    return f"-{name}" if len(name) == 1 else f"--{name}"


def _run(arguments: Sequence[str], folder: Path, variables: Mapping[str, str], has_own_session: bool) -> int:
    try:
        return run_program(arguments, folder, variables, has_own_session)
    except FileNotFoundError as error:
        raise CommandFailedError(
            f"the program {arguments[0]!r} is not to be found where the training runs; install it there, or correct "
            "the command",
            127,
        ) from error
    except OSError as error:
        raise CommandFailedError(f"the program {arguments[0]!r} cannot be started: {error.strerror}", 126) from error


def _explain(program: str, code: int) -> CommandFailedError:
    name = Path(program).name
    if code < 0:
        return CommandFailedError(f"the command ({name}): {explain_signal(-code)}", 128 - code)
    return CommandFailedError(f"the command ({name}) ended with exit code {code}; its output says why", code)
