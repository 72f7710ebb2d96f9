"""Builds the tasks of a sweep and names them by the parameters that vary in it."""

import itertools
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any

from ....errors import TaskDefinitionError
from .sweep_names import format_sweep_names
from .sweep_values import build_plain_value, format_exact_value, sort_values

NAME = "name"
PARAMETERS = "sweep_parameters"


class Autonamer:
    """Builds the tasks of a grid and names each by what varies: ``LR1-NS10-5``.

    Args:
        build_method: Builds a task, an object with a dictionary ``info``, from keyword arguments.
        prefix: Comes before each name.
        common_arguments: Arguments of every task; they are not in the names.
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

    def build_tasks(self, **grid: Iterable[Any]) -> list[Any]:
        """Builds a task for each combination of values, the last parameter varying fastest.

        An empty grid has one combination: its task is built with the common arguments alone.

        Args:
            grid: The values of each parameter, in any iterable but a string or a mapping; a set is sorted. A single
                value does not vary, and is not in the names.

        Returns:
            The tasks. ``task.info["name"]`` is the name from :func:`format_sweep_names`;
            ``task.info["sweep_parameters"]`` has all arguments of the build method, common ones included, as
            :func:`build_plain_value` converts them, so that nothing depends on the name.

        Raises:
            TaskDefinitionError: If a parameter has no values, one twice or one that cannot be distinguished, or is also
                a common argument; or if the built object has no dictionary ``info``.
        """
        values = {name: _list_values(name, given) for name, given in grid.items()}
        for name in values:
            if name in self.common_arguments:
                raise TaskDefinitionError(f"sweep parameter {name!r} is also a common argument; remove it from one")
        combinations = [dict(zip(values, each, strict=True)) for each in itertools.product(*values.values())]
        names = format_sweep_names(combinations, self.prefix)
        return [self._build_task(each, name) for each, name in zip(combinations, names, strict=True)]

    def _build_task(self, combination: Mapping[str, Any], name: str) -> Any:
        arguments = {**self.common_arguments, **combination}
        plain = {key: build_plain_value(value) for key, value in arguments.items()}
        task = self.build_method(**arguments)
        info = getattr(task, "info", None)
        if not isinstance(info, MutableMapping):
            raise TaskDefinitionError(
                f"the build method returned a {type(task).__name__}, whose info is {info!r}; return a task, which has "
                "a dictionary there"
            )
        info[NAME] = name
        info[PARAMETERS] = plain
        return task


def _list_values(name: str, given: Iterable[Any]) -> list[Any]:
    is_iterable = isinstance(given, Iterable) and getattr(given, "ndim", 1) > 0
    if isinstance(given, (str, bytes, Mapping)) or not is_iterable:
        raise TaskDefinitionError(f"sweep parameter {name!r} has the values {given!r}; give a non-empty list")
    values = sort_values(given) if isinstance(given, (set, frozenset)) else list(given)
    if not values:
        raise TaskDefinitionError(f"sweep parameter {name!r} has the values {given!r}; give a non-empty list")
    if len(values) == 1:
        return values
    seen = set()
    for value in values:
        try:
            exact = format_exact_value(value)
        except TaskDefinitionError as error:
            raise TaskDefinitionError(f"sweep parameter {name!r}: {error}") from error
        if exact in seen:
            raise TaskDefinitionError(f"sweep parameter {name!r} has the value {value!r} twice; give it once")
        seen.add(exact)
    return values
