"""Converts a factory's arguments from strings by its annotations. One module for each kind of annotation."""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "convert_arguments": ".conversion",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.project.arguments.conversion import convert_arguments as convert_arguments
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
