"""The command ``tg-mlflow``: reads the command line, calls one function, and words the outcome.

What a command does belongs into other rooms. A command's module is imported when the command is used.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "main": ".main",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.cli.main import main as main

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
