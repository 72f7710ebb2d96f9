"""The text of an MLproject."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

# The type that is not written: MLflow takes whatever has none for text.
_TEXT = "string"


@dataclass(frozen=True)
class Parameter:
    """A parameter of an entry point.

    Attributes:
        name: Its name; the command has it in braces.
        type: ``float``, ``int``, ``string`` or ``path``.
        default: Its value unless the user gives another; ``None`` if the user must.
    """

    name: str
    type: str = _TEXT
    default: str | int | float | None = None


@dataclass(frozen=True)
class EntryPoint:
    """A command, and what its braces stand for.

    Attributes:
        name: ``main`` is run unless the user names another.
        command: As MLflow wants it.
        parameters: Those in the command.
    """

    name: str
    command: str
    parameters: Sequence[Parameter] = ()

    @property
    def needed(self) -> list[str]:
        """The parameters that the user must give."""
        return [each.name for each in self.parameters if each.default is None]


def format_mlproject(name: str, entry_points: Sequence[EntryPoint], environment: Mapping[str, str]) -> str:
    """Writes an MLproject.

    Args:
        name: The project's name.
        entry_points: Its commands.
        environment: ``python_env`` or ``conda_env`` and the file's name; may be empty.
    """
    lines = [f"name: {_format_value(name)}", ""]
    lines += [line for key, file in environment.items() for line in (f"{key}: {_format_value(file)}", "")]
    lines.append("entry_points:")
    for each in entry_points:
        lines.append(f"  {_format_value(each.name)}:")
        if each.parameters:
            lines.append("    parameters:")
            lines += [f"      {_format_value(one.name)}: {_format_parameter(one)}" for one in each.parameters]
        lines.append(f"    command: {json.dumps(each.command, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def _format_parameter(parameter: Parameter) -> str:
    pairs = {"type": parameter.type, "default": parameter.default}
    given = {key: value for key, value in pairs.items() if value is not None and (key, value) != ("type", _TEXT)}
    return _format_value(given or {"type": _TEXT})


def _format_value(value: Any) -> str:
    """Writes a value as YAML in one line; as JSON, which is YAML, where a text has several."""
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf"))
    text = text.removesuffix("\n").removesuffix("\n...")
    return text if len(text.splitlines()) == 1 else json.dumps(value)
