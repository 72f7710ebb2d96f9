"""Functions and classes of a notebook in a job: they arrived by value, and are sent to workers by value."""

import io
import sys
import types
from multiprocessing.reduction import ForkingPickler
from typing import Any

from ...delivery.package.pickling import dump_pickle, load_pickle


def send_notebook_functions_by_value() -> None:
    """Makes ``multiprocessing`` send what a notebook has defined by value, in this process, from now on.

    By reference, it would be looked up in the started program, which does not have it.
    """
    pickler: Any = ForkingPickler
    pickler.reducer_override = _reduce


def _reduce(pickler: Any, value: Any) -> Any:
    if not isinstance(value, (types.FunctionType, type)) or value.__module__ != "__main__" or _is_in_program(value):
        return NotImplemented
    content = io.BytesIO()
    dump_pickle(value, content)
    return load_pickle, (content.getvalue(),)


def _is_in_program(value: Any) -> bool:
    found: Any = sys.modules["__main__"]
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is value
