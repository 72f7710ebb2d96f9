"""Names the tasks of a sweep by the parameters that vary in it."""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from ...errors import TaskDefinitionError


class Autonamer:
    """Builds the tasks of a grid and names each by what varies: ``LR1-NS10-5``.

    Args:
        build_method: Makes a task, an object with a dictionary ``info``, from keyword arguments.
        prefix: Comes before each name.
        common_arguments: Arguments that every task is built with; they are not in the names.
    """

    def __init__(
        self,
        build_method: Callable[..., Any],
        prefix: str | None = None,
        common_arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self.build_method = build_method
        self.prefix = prefix
        self.common_arguments = dict(common_arguments or {})

    def build_tasks(self, **grid: Sequence[Any]) -> list[Any]:
        """Builds a task for each combination of values, the last parameter varying fastest.

        Args:
            grid: For each parameter its values.

        Returns:
            The tasks; each one's name is in ``task.info["name"]``.

        Raises:
            TaskDefinitionError: If a parameter has no values, or is a common argument too.
        """
        for name, values in grid.items():
            if isinstance(values, str) or not isinstance(values, Sequence) or not values:
                raise TaskDefinitionError(f"sweep parameter {name!r} has the values {values!r}; give a non-empty list")
            if name in self.common_arguments:
                raise TaskDefinitionError(f"sweep parameter {name!r} is also a common argument; remove it from one")
        combinations = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
        tasks = []
        for combination, name in zip(combinations, format_sweep_names(combinations, self.prefix), strict=True):
            task = self.build_method(**self.common_arguments, **combination)
            task.info["name"] = name
            tasks.append(task)
        return tasks


def format_sweep_names(combinations: Sequence[Mapping[str, Any]], prefix: str | None = None) -> list[str]:
    """Names each of ``combinations`` by its parameters; the names differ from one another.

    A parameter is written as the initials of its words (more letters where two parameters would look alike), a value as
    short as it can be; what only differs in characters that names do not have is told apart by a number at the end.
    """
    parameters = list(dict.fromkeys(name for combination in combinations for name in combination))
    labels = _format_labels(parameters)
    names = []
    for combination in combinations:
        parts = [labels[name] + _format_value(value) for name, value in combination.items()]
        names.append("-".join([*([prefix] if prefix else []), *parts]) or "task")
    return _number_repeated(names)


def _format_labels(parameters: Iterable[str]) -> dict[str, str]:
    """Writes each parameter as the first letters of its words, as few as tell it from the others."""
    words = {name: [word for word in re.split(r"[^A-Za-z0-9]+", name) if word] or [name] for name in parameters}
    longest = max((len(word) for parts in words.values() for word in parts), default=0)
    labels: dict[str, str] = {}
    for length in range(1, longest + 1):
        open_names = [name for name in words if name not in labels]
        written = {name: "".join(word[:length] for word in words[name]).upper() for name in open_names}
        taken = [*labels.values(), *written.values()]
        labels.update({name: label for name, label in written.items() if taken.count(label) == 1})
    # Names that differ in nothing but case or separators are numbered.
    rest = [name for name in words if name not in labels]
    return {**labels, **dict(zip(rest, _number_repeated(["".join(words[name]).upper() for name in rest]), strict=True))}


def _format_value(value: Any) -> str:
    if isinstance(value, Enum):
        return _format_value(value.name)
    if isinstance(value, (list, tuple)):
        return "-".join(_format_value(each) for each in value) or "empty"
    if isinstance(value, Mapping):
        return "-".join(f"{_format_value(key)}-{_format_value(each)}" for key, each in value.items()) or "empty"
    text = repr(value) if isinstance(value, float) else str(value)
    return re.sub(r"[^A-Za-z0-9.+-]+", "", text) or "empty"


def _number_repeated(names: Sequence[str]) -> list[str]:
    """Appends ``-2``, ``-3``, … to names that have stood before, skipping what is taken."""
    used: set[str] = set()
    result = []
    for name in names:
        candidate, number = name, 1
        while candidate in used or (number > 1 and candidate in names):
            number += 1
            candidate = f"{name}-{number}"
        used.add(candidate)
        result.append(candidate)
    return result
