"""Resolves references of the form ``module:name``, from the package that contains this code or as installed."""

import importlib
from typing import Any

from .module_specs import find_module_spec
from .own_root import PACKAGE_MODULE


def import_reference(reference: str) -> Any:
    """Imports the object that ``module:name`` names; ``name`` may have dots, as in ``module:Class.method``.

    In a package, the project's modules lie below the package's top module; they come before installed ones of the same
    name, so that each of several packages in one process finds its own.

    Raises:
        ImportError: If there is no such module.
        AttributeError: If the module has no such name.
        Exception: Any exception of importing the module.
    """
    module, _, name = reference.partition(":")
    found: Any = importlib.import_module(_place(module))
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _place(module: str) -> str:
    if not PACKAGE_MODULE:
        return module
    below = f"{PACKAGE_MODULE}.{module.partition('.')[0]}"
    return module if find_module_spec(below) is None else f"{PACKAGE_MODULE}.{module}"
