"""Translates errors of a package's own copy of this library, of whatever version, into those of this one."""

from collections.abc import Iterator
from contextlib import contextmanager

from .... import errors
from ....errors import TgError
from ....exception_text import message_of


@contextmanager
def raising_own_errors() -> Iterator[None]:
    """Raises, in place of an error that a job's package knows as one of its library's, the same error as we know it.

    Whoever runs the job recognizes it then: it is one line for the user, not a crash. Errors of which this version has
    no class become what they derive from; all others stay as they are.
    """
    try:
        yield
    except Exception as error:
        own = _find_own_class(type(error))
        if own is None:
            raise
        translated = own.__new__(own, message_of(error))
        vars(translated).update(vars(error))  # such as the exit code of a command
        raise translated from error


def _find_own_class(kind: type) -> type[TgError] | None:
    """Finds our class for one of another copy, by its name and those of its bases; ``None`` if it is none of these."""
    if issubclass(kind, TgError):
        return None
    for each in kind.__mro__:
        own = getattr(errors, each.__name__, None)
        if each.__module__.endswith(f".{errors.__name__}") and isinstance(own, type) and issubclass(own, TgError):
            return own
    return None
