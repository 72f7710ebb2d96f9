"""Writes exceptions as text, also those of others whose own methods raise."""

import traceback
from collections.abc import Iterator


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
    seen, current = set[int](), error
    while current is not None and id(current) not in seen:
        yield current
        seen.add(id(current))
        current = BaseException.__cause__.__get__(current)  # type: ignore[attr-defined]  # unlike a property of its own


def format_trace(error: BaseException) -> str:
    """Formats an exception with its traceback; without lines of code if these, or its causes, cannot be read."""
    try:
        return "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 - likewise
        frames = traceback.walk_tb(BaseException.__traceback__.__get__(error))  # type: ignore[attr-defined]
        places = [(frame.f_code, line) for frame, line in frames]
        lines = [f'  File "{code.co_filename}", line {line}, in {code.co_name}\n' for code, line in places]
        return f"Traceback (most recent call last):\n{''.join(lines)}{describe_exception(error)}\n"
