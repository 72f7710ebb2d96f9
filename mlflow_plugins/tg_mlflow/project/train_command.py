"""The command of an entry point: ``tg-mlflow train MODULE:FACTORY name=value …``."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tg_mlflow.errors import ProjectError

PROGRAM = ("tg-mlflow", "train")
_FORM = "tg-mlflow train MODULE:FACTORY name=value ..."


@dataclass(frozen=True)
class TrainCommand:
    """What to train.

    Attributes:
        module: The module of the factory, importable from the project's folder.
        factory: The name of the factory in it.
        arguments: Its arguments, as texts.
    """

    module: str
    factory: str
    arguments: Mapping[str, str]

    @property
    def modules(self) -> Sequence[str]:
        """The modules that are imported here to make the task."""
        return (self.module,)

    @property
    def target(self) -> str:
        """``MODULE:FACTORY``, as the command has it."""
        return f"{self.module}:{self.factory}"


def is_train_command(command: object) -> bool:
    """Returns whether an entry point's command begins with ``tg-mlflow train`` and is nothing but that."""
    return isinstance(command, str) and tuple(command.split()[:2]) == PROGRAM


def parse_train_command(command: str, parameters: Mapping[str, str]) -> TrainCommand:
    """Parses an entry point's command.

    The command is split into words before the parameters are inserted, so that no value is ever quoted, split or seen
    by a shell.

    Args:
        command: The MLproject's command, with ``{name}`` for each parameter.
        parameters: Values by name, as strings.

    Raises:
        ProjectError: If the command is not ours.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ProjectError(f"the command {command!r} cannot be divided into words: {error}") from error
    if tuple(words[:2]) != PROGRAM:
        raise ProjectError(f"the command {command!r} is not ours; write it as '{_FORM}'")
    try:
        words = [word.format(**parameters) for word in words[2:]]
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise ProjectError(
            f"the command {command!r} has a placeholder that no parameter fills: {error}; declare it under parameters"
        ) from error
    if not words:
        raise ProjectError(f"the command {command!r} names no factory; write it as '{_FORM}'")
    return parse_train_words(words[0], words[1:])


def parse_train_words(target: str, assignments: Sequence[str]) -> TrainCommand:
    """Parses ``MODULE:FACTORY`` and the words ``name=value`` after it.

    Raises:
        ProjectError: If a word has another form, or a name occurs twice.
    """
    module, _, factory = target.partition(":")
    if not module or not factory:
        raise ProjectError(f"{target!r} is not of the form MODULE:FACTORY, such as tasks:build_task")
    arguments: dict[str, str] = {}
    for word in assignments:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise ProjectError(f"{word!r} is not of the form name=value; write the command as '{_FORM}'")
        if name in arguments:
            raise ProjectError(f"argument {name!r} is given twice; give it once")
        arguments[name] = value
    return TrainCommand(module, factory, arguments)
