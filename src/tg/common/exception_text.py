"""Writes exceptions as text, also those of others whose own methods raise."""

import traceback
from collections.abc import Iterator
from typing import Any


def message_of(error: BaseException) -> str:
    """Returns an exception's message in one line, or says why it has none."""
    try:
        return " ".join(str(error).split())
    except Exception as problem:  # noqa: BLE001 - of a foreign exception, which must not hide that there is one
        return f"its message cannot be shown, as its __str__ raises {type(problem).__name__}"


def first_line_of(error: BaseException) -> str:
    """Returns the first line of an exception's message without its full stop, or its type if it has none."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # noqa: BLE001 - likewise
        return message_of(error)
    return lines[0].rstrip(". ") if lines else type(error).__name__


def describe_exception(error: BaseException) -> str:
    """Returns an exception's type and message in one line, such as ``ValueError: no number``."""
    message = message_of(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def list_causes(error: BaseException) -> Iterator[BaseException]:
    """Yields an exception, and what it was raised from in turn."""
    seen = set[int]()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        yield current
        seen.add(id(current))
        current = _get_own(current, "__cause__")


def format_messages(error: BaseException) -> str:
    """Formats an exception as a traceback without its frames: its message, its notes, and those that led to it."""
    try:
        return "".join(traceback.TracebackException.from_exception(error, limit=0).format())
    except Exception:  # noqa: BLE001 - likewise
        return describe_exception(error)


def format_trace(error: BaseException) -> str:
    """Formats an exception with its traceback; without lines of code if these, or its causes, cannot be read."""
    try:
        return "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 - likewise
        frames = traceback.walk_tb(_get_own(error, "__traceback__"))
        places = [(frame.f_code, line) for frame, line in frames]
        lines = [f'  File "{code.co_filename}", line {line}, in {code.co_name}\n' for code, line in places]
        return f"Traceback (most recent call last):\n{''.join(lines)}{describe_exception(error)}\n"


def _get_own(error: BaseException, name: str) -> Any:
    """Returns an attribute as Python sets it, even if the exception's class has a property of that name."""
    return vars(BaseException)[name].__get__(error)
