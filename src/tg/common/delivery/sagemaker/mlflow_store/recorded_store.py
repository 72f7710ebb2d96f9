"""Makes the methods of a store of MLflow's also write what they have changed."""

import functools
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .changes import Description
from .spool import Spool

_logger = logging.getLogger(__name__)
_thread = threading.local()


@contextmanager
def changing() -> Iterator[bool]:
    """Marks a change, of which others may be part; yields whether this is the outermost, the one to be recorded."""
    is_outermost = not getattr(_thread, "is_changing", False)
    _thread.is_changing = True
    try:
        yield is_outermost
    finally:
        if is_outermost:
            _thread.is_changing = False


def record_changes(store: type[Any], spool: Spool, descriptions: Mapping[str, Description]) -> None:
    """Replaces methods of a class. What they raise is raised unchanged, and is no change.

    Args:
        store: The class.
        spool: Where to write.
        descriptions: What to write, by the methods' names; those that the class does not have are skipped.
    """
    for name, describe in descriptions.items():
        if hasattr(store, name):
            setattr(store, name, _record(getattr(store, name), spool, describe))


def _record(method: Callable[..., Any], spool: Spool, describe: Description) -> Callable[..., Any]:
    @functools.wraps(method)
    def change(self: Any, *arguments: Any, **options: Any) -> Any:
        with changing() as is_outermost:
            result = method(self, *arguments, **options)
            if is_outermost:
                try:
                    record = describe(result, *arguments, **options)
                except Exception as error:  # noqa: BLE001 - of another version's objects; the training goes on
                    _logger.warning("A call of MLflow's %s cannot be recorded: %r", method.__name__, error)
                else:
                    if record is not None:
                        spool.write(record)
        return result

    return change
