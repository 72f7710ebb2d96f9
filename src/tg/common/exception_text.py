"""Writes exceptions as text, also those of others whose own methods raise."""

import os
import re
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

_HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
_DELIVERY = os.path.join(_HERE, "delivery", "")
_PYTHON = os.path.join(sysconfig.get_path("stdlib"), "")
_INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\]")


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


def format_user_trace(error: BaseException, ours: Sequence[str] = ()) -> str:
    """Formats an exception with its traceback from where the user's code begins.

    The frames before that are ours, and the same each time. Of a traceback without the user's code, those that start
    and deliver trainings are left out; of one that has no others, nothing.

    Args:
        error: The exception.
        ours: Folders with code of ours, besides that of ``tg.common``.
    """
    try:
        trace = traceback.TracebackException.from_exception(error)
        for each in _list_traces(trace):
            del each.stack[: _find_begin([frame.filename for frame in each.stack], tuple(ours))]
        return "".join(trace.format())
    except Exception:  # noqa: BLE001 - likewise
        return format_trace(error)


def _list_traces(trace: traceback.TracebackException | None) -> Iterator[traceback.TracebackException]:
    if trace is not None:
        yield trace
        yield from _list_traces(trace.__cause__)
        yield from _list_traces(trace.__context__)


def _find_begin(paths: Sequence[str], ours: tuple[str, ...]) -> int:
    """Returns the number of the first frame to be shown."""
    python = ("<frozen ", _PYTHON)
    own = (number for number, path in enumerate(paths) if not path.startswith((_HERE, *ours, *python)))
    own = (number for number in own if not _INSTALLED.search(paths[number]))
    training = (number for number, path in enumerate(paths) if not path.startswith((_DELIVERY, *ours, *python)))
    return next(own, next(training, 0))


def _get_own(error: BaseException, name: str) -> Any:
    """Returns an attribute as Python sets it, even if the exception's class has a property of that name."""
    return vars(BaseException)[name].__get__(error)
