"""An argument of a script's command line, and whether it can be a parameter of an MLproject."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tg.common.secrets import looks_secret
from tg_mlflow.scaffolding.literals import UNKNOWN
from tg_mlflow.scaffolding.mlproject import Parameter

# How a script reads a value: a number, text, text of a file that is there, by a function of its own, or as it comes.
FLOAT, INT, STRING, PATH, FUNCTION = "float", "int", "string", "path", "function"


@dataclass(frozen=True)
class ScriptArgument:
    """An argument.

    Attributes:
        name: What the script calls it, as a parameter is named.
        option: How it is given, such as ``--rate``; ``None`` for one that has only a position.
        kind: How the script reads the value.
        default: Its value where none is given; ``None`` without one, `UNKNOWN` if only the running script knows it.
        is_required: Whether the script ends without a value.
        choices: The values that it takes, if only some.
        reason: Why it cannot be a parameter, if that is known from its form alone, such as a flag.
        line: Where it is in the script.
    """

    name: str
    option: str | None
    kind: str = STRING
    default: Any = None
    is_required: bool = False
    choices: Sequence[object] = ()
    reason: str | None = None
    line: int = 0

    @property
    def obstacle(self) -> str | None:
        """Why it is left to the script: as a parameter, its default could become another value than the script's."""
        if self.reason is not None:
            return self.reason
        if self.is_required:
            return None
        if looks_secret(self.name):
            return "it may be a secret"
        if self.default is None:
            return "it has no default"
        if self.default is UNKNOWN:
            return "its default is computed"
        if self._write_default() is None:
            return f"its default {self.default!r} would not be the same if it were given as text"
        return None

    @property
    def parameter(self) -> Parameter:
        """The parameter, for an argument without an obstacle."""
        type_name = STRING if self.kind == FUNCTION else self.kind
        return Parameter(self.name, type_name, self._write_default())

    def format_words(self) -> str:
        """Writes the argument as part of an MLproject's command."""
        if self.option is None:
            return f"{{{self.name}}}"
        begins_with_dash = self.option.startswith("--") and str(self._write_default()).startswith("-")
        return f"{self.option}{'=' if begins_with_dash else ' '}{{{self.name}}}"

    def _write_default(self) -> str | int | float | None:
        """Returns the default as a value that the script reads as the same; ``None`` if there is none."""
        value = self.default
        if (
            looks_secret(self.name)
            or value is None
            or value is UNKNOWN
            or isinstance(value, bool)
            or (self.choices and value not in self.choices)
        ):
            return None
        try:
            if self.kind == FLOAT:
                return float(value)
            if self.kind == INT:
                return int(value) if isinstance(value, (int, str)) else None
        except (ValueError, TypeError, OverflowError):
            return None
        return value if isinstance(value, str) else None


@dataclass(frozen=True)
class CommandLine:
    """What a script takes.

    Attributes:
        arguments: Those before a subcommand, or all if there is none.
        subcommands: The arguments of each subcommand, by its name.
        notes: What cannot be read, each a sentence.
    """

    arguments: Sequence[ScriptArgument] = ()
    subcommands: "dict[str, Sequence[ScriptArgument]] | None" = None
    notes: Sequence[str] = ()
