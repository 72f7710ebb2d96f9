"""Calls a project's factory with the user's arguments, and returns its task."""

import importlib
import inspect
import sys
import sysconfig
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tg.common.errors import suggestion
from tg.common.ml.training_core import AbstractTrainingTask
from tg_mlflow.errors import ProjectError
from tg_mlflow.project.arguments.conversion import convert_arguments
from tg_mlflow.project.modules import find_owner
from tg_mlflow.project.script_command import ScriptCommand
from tg_mlflow.project.train_command import TrainCommand

_SITE_FOLDERS = ("site-packages", "dist-packages")


def build_task(command: TrainCommand | ScriptCommand) -> AbstractTrainingTask:
    """Builds what a command trains: the task that its factory returns, or the task that runs a script.

    Raises:
        ProjectError: If there is no such factory, another module hides its module, its arguments are invalid or it does
            not return a task.
        Exception: Any exception of the module or the factory, unchanged.
    """
    if isinstance(command, ScriptCommand):
        return command.build_task()
    factory = _load_factory(command)
    task = factory(**convert_arguments(factory, command.arguments, command.target))
    if not isinstance(task, AbstractTrainingTask):
        raise ProjectError(
            f"factory {command.target} returned {_shown(task)}, which is not a training task; "
            "return an AbstractTrainingTask, such as a SingleFrameTrainingTask"
        )
    return task


def _load_factory(command: TrainCommand) -> Callable[..., Any]:
    if hidden := _describe_hidden(command.module.partition(".")[0]):
        raise ProjectError(f"factory {command.target} is not the project's, as {hidden}")
    try:
        module = importlib.import_module(command.module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{command.module}.".startswith(f"{error.name}."):
            _explain(error)
            raise
        raise ProjectError(f"module {command.module!r} of factory {command.target} is not in the project") from error
    except ImportError as error:
        _explain(error)
        raise
    if not hasattr(module, command.factory):
        own = [name for name, value in vars(module).items() if inspect.isfunction(value) and not name.startswith("_")]
        raise ProjectError(
            f"factory {command.factory!r} is not in module {command.module!r}; {suggestion(command.factory, own)}"
        )
    factory = getattr(module, command.factory)
    if not callable(factory):
        raise ProjectError(f"factory {command.target} is {_shown(factory)}, which cannot be called; name a function")
    return typing.cast("Callable[..., Any]", factory)


def _explain(error: ImportError) -> None:
    """Raises ProjectError if an import has failed because a library was imported in place of a project's module."""
    if hidden := _describe_hidden((error.name or "").partition(".")[0]):
        raise ProjectError(f"{error}, as {hidden}") from error


def _describe_hidden(name: str) -> str | None:
    """Describes that an installed module is imported in place of a project's module of the same name."""
    owner = find_owner(name) if name else None
    libraries = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    folders = [Path(each) for each in sys.path if each not in libraries and Path(each).name not in _SITE_FOLDERS]
    files = [file for each in folders for file in (each / f"{name}.py", each / name / "__init__.py") if file.is_file()]
    files = [file for file in files if str(file) != getattr(sys.modules.get(name), "__file__", None)]
    if owner is None or not files:
        return None
    return f"{str(files[0])!r} hides {name!r}, which is {owner}; rename it, or install it with 'pip install -e'"


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{text[:80]}{'…' if len(text) > 80 else ''} of type {type(value).__name__}"
