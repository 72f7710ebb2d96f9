"""Makes the methods of a store of MLflow's also write what they have changed."""

import functools
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from .changes import Description

_logger = logging.getLogger(__name__)
_thread = threading.local()

Store = TypeVar("Store")


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


def recording_changes(descriptions: Mapping[str, Description]) -> Callable[[type[Store]], type[Store]]:
    """Makes the methods of a class record each change, to the :class:`Spool` that its objects have as ``spool``.

    What a method raises is raised unchanged, and is no change.

    Args:
        descriptions: What to record, by the methods' names; those that the class does not have are skipped.
    """

    def decorate(store: type[Store]) -> type[Store]:
        for name, describe in descriptions.items():
            if hasattr(store, name):
                setattr(store, name, _record(getattr(store, name), describe))
        return store

    return decorate


def _record(method: Callable[..., Any], describe: Description) -> Callable[..., Any]:
    @functools.wraps(method)
    def change(self: Any, *arguments: Any, **options: Any) -> Any:
        with changing() as is_outermost:
            result = method(self, *arguments, **options)
            if is_outermost:
                try:
                    if (record := describe(result, *arguments, **options)) is not None:
                        self.spool.write(record)
                except Exception as error:  # noqa: BLE001 - of another version's objects; the training goes on
                    _logger.warning("A call of MLflow's %s cannot be recorded: %r", method.__name__, error)
        return result

    return change
