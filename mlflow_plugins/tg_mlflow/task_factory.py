"""Calls a project's factory with what the user wrote, and takes the task that it returns."""

import importlib
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from tg.common.errors import listed, suggestion
from tg.common.ml.training_core import AbstractTrainingTask
from tg_mlflow.errors import ProjectError
from tg_mlflow.train_command import TrainCommand


def build_task(command: TrainCommand) -> AbstractTrainingTask:
    """Imports the factory and calls it.

    Raises:
        ProjectError: If there is no such factory, its arguments do not fit or it returns no task.
        Exception: Whatever the module or the factory raises, unchanged.
    """
    factory = _load_factory(command)
    task = factory(**convert_arguments(factory, command.arguments, command.target))
    if not isinstance(task, AbstractTrainingTask):
        raise ProjectError(
            f"factory {command.target} returned {_shown(task)}, which is no training task; "
            "return an AbstractTrainingTask, such as a SingleFrameTrainingTask"
        )
    return task


def convert_arguments(factory: Callable[..., Any], texts: Mapping[str, str], target: str) -> dict[str, Any]:
    """Converts texts to what the factory's annotations say.

    A parameter without an annotation takes the type of its default value, if that is a bool, number, list or
    dictionary, and else a text. Lists, dictionaries and unions are written as JSON; ``None`` and ``null`` mean None
    where that is allowed.

    Args:
        factory: What will be called.
        texts: Values by parameter.
        target: How to name the factory in a message.

    Raises:
        ProjectError: For a parameter that is unknown or missing, and a value that does not fit.
    """
    parameters = inspect.signature(factory).parameters
    named = {name for name, each in parameters.items() if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)}
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    for name in texts:
        if name not in named and not takes_any:
            raise ProjectError(f"argument {name!r} is unknown to factory {target}; {suggestion(name, sorted(named))}")
    if missing := [name for name in named if parameters[name].default is inspect.Parameter.empty and name not in texts]:
        raise ProjectError(f"factory {target} needs arguments that are not given: {listed(sorted(missing))}")
    annotations = _annotations(factory)
    converted = {}
    for name, text in texts.items():
        wanted = annotations.get(name, Any) if name in named else Any
        if wanted is Any and name in named and isinstance(parameters[name].default, (bool, int, float, list, dict)):
            wanted = type(parameters[name].default)
        converted[name] = _convert(text, wanted, name, target)
    return converted


def _load_factory(command: TrainCommand) -> Callable[..., Any]:
    try:
        module = importlib.import_module(command.module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{command.module}.".startswith(f"{error.name}."):
            raise
        raise ProjectError(f"module {command.module!r} of factory {command.target} is not in the project") from error
    if not hasattr(module, command.factory):
        own = [name for name, value in vars(module).items() if inspect.isfunction(value) and not name.startswith("_")]
        raise ProjectError(
            f"factory {command.factory!r} is not in module {command.module!r}; {suggestion(command.factory, own)}"
        )
    factory = getattr(module, command.factory)
    if not callable(factory):
        raise ProjectError(f"factory {command.target} is {_shown(factory)}, which cannot be called; name a function")
    return typing.cast("Callable[..., Any]", factory)


def _annotations(factory: Callable[..., Any]) -> dict[str, Any]:
    target = factory.__init__ if inspect.isclass(factory) else factory
    try:
        return typing.get_type_hints(target)
    except (NameError, TypeError, AttributeError):
        # Annotations that cannot be resolved here, such as names imported for type checkers alone, say nothing.
        return {}


def _convert(text: str, wanted: Any, name: str, target: str) -> Any:
    if wanted in (Any, str):
        return text
    try:
        adapter = TypeAdapter(wanted)
    except PydanticUserError:
        return text  # a class that pydantic does not know: the factory takes the text as it is
    try:
        if type(None) in typing.get_args(wanted) and text in ("None", "null", ""):
            return None
        return adapter.validate_strings(text)
    except ValidationError as error:
        try:
            return adapter.validate_json(text)
        except ValidationError:
            reason = error.errors()[0]["msg"]
            shown = getattr(wanted, "__name__", None) if typing.get_origin(wanted) is None else None
            raise ProjectError(
                f"argument {name!r} of factory {target} is {text!r}, not of type {shown or wanted}: {reason}"
            ) from error


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{text[:80]}{'…' if len(text) > 80 else ''} of type {type(value).__name__}"
