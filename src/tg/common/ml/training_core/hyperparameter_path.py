"""Finds a part of an object by a dotted path, and replaces it."""

from collections.abc import Mapping, MutableMapping, MutableSequence
from dataclasses import dataclass
from typing import Any

from ...errors import HyperparameterError, suggestion

_MISSING = object()


@dataclass(frozen=True)
class HyperparameterPath:
    """The way from an object to one of its parts.

    Attributes:
        steps: What holds each next part, and what that is called there: an attribute, a key or an index.
        current: The part, ``None`` if it does not exist yet.
        is_open: Whether it is a value of a ``kwargs`` mapping, whose names are not known here.
    """

    steps: tuple[tuple[Any, Any], ...]
    current: Any
    is_open: bool

    @staticmethod
    def find(target: object, path: str, key: str) -> "HyperparameterPath":
        """Follows a path.

        Args:
            target: Where it begins.
            path: Names joined by dots.
            key: How to name it in a message.

        Raises:
            HyperparameterError: If there is no such part, or it cannot be replaced.
        """
        words = path.split(".")
        if not all(words):
            raise HyperparameterError(f"hyperparameter {key!r}: a path is names joined by single dots, such as 'a.b.c'")
        steps: list[tuple[Any, Any]] = []
        holder, done, is_kwargs = target, 0, False
        while done < len(words):
            is_open = is_kwargs and isinstance(holder, MutableMapping)
            name, count = _find_name(holder, words[done:])
            if name is _MISSING and is_open and done == len(words) - 1:
                name, count = words[done], 1
            elif name is _MISSING:
                raise HyperparameterError(_describe_missing(holder, words, done, key))
            steps.append((holder, name))
            holder = None if is_open and name not in holder else _get(holder, name)  # type: ignore[operator]
            is_kwargs = words[done + count - 1] == "kwargs"
            done += count
        found = HyperparameterPath(tuple(steps), holder, is_open)
        found._check(key)
        return found

    def set(self, value: Any) -> None:
        """Replaces the part."""
        _set(self.steps, value)

    def _check(self, key: str) -> None:
        holder = next((each for each, _ in reversed(self.steps) if not isinstance(each, tuple)), None)
        is_frozen = getattr(getattr(holder, "__dataclass_params__", None), "frozen", False)
        if holder is None or is_frozen or (isinstance(holder, Mapping) and not isinstance(holder, MutableMapping)):
            kind = type(self.steps[0][0] if holder is None else holder).__name__
            raise HyperparameterError(
                f"hyperparameter {key!r}: {kind} cannot be changed; set the part of the task that holds it"
            )


def _find_name(holder: Any, words: list[str]) -> tuple[Any, int]:
    """Finds the step in a holder that the first words name, and how many words it takes."""
    if isinstance(holder, Mapping):
        for count in range(1, len(words) + 1):
            text = ".".join(words[:count])
            if text in holder:
                return text, count
            for each in holder:
                if not isinstance(each, str) and text in _write(each):
                    return each, count
    elif isinstance(holder, (MutableSequence, tuple)):
        if words[0] in getattr(holder, "_fields", ()):
            return holder._fields.index(words[0]), 1  # type: ignore[union-attr]
        if words[0].isdecimal() and int(words[0]) < len(holder):
            return int(words[0]), 1
    elif words[0] in _list_names(holder):
        return words[0], 1
    return _MISSING, 0


def _write(key: Any) -> tuple[str, str]:
    """A key as Python writes it, and as JSON does: ``True`` and ``true``."""
    text = str(key)
    return text, {"True": "true", "False": "false", "None": "null"}.get(text, text)


def _list_names(holder: Any) -> list[str]:
    if isinstance(holder, Mapping):
        return [str(name) for name in holder]
    if isinstance(holder, (MutableSequence, tuple)):
        return [*getattr(holder, "_fields", ()), *(str(index) for index in range(len(holder)))]
    return [name for name in getattr(holder, "__dict__", {}) if not name.startswith("_")]


def _describe_missing(holder: Any, words: list[str], done: int, key: str) -> str:
    where, step = ".".join(words[:done]) or "the task", words[done]
    hint = suggestion(step, _list_names(holder))
    return f"hyperparameter {key!r}: {where} ({type(holder).__name__}) has no {step!r}; {hint}"


def _get(holder: Any, name: Any) -> Any:
    return holder[name] if isinstance(holder, (Mapping, MutableSequence, tuple)) else getattr(holder, name)


def _get_now(steps: tuple[tuple[Any, Any], ...]) -> Any:
    """Returns the object at the end of a path; a tuple on it may have been replaced since the path was found."""
    holder, name = steps[-1]
    return _get(_get_now(steps[:-1]) if isinstance(holder, tuple) else holder, name)


def _set(steps: tuple[tuple[Any, Any], ...], value: Any) -> None:
    *before, (holder, name) = steps
    if isinstance(holder, tuple):
        items = [*_get_now(tuple(before))]
        items[name] = value
        _set(tuple(before), holder._make(items) if hasattr(holder, "_make") else tuple(items))
    elif isinstance(holder, (MutableMapping, MutableSequence)):
        holder[name] = value
    else:
        setattr(holder, name, value)
