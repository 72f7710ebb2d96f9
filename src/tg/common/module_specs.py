"""Reads ``sys.modules`` with care: any object may stand for a module there, and raise anything."""

import importlib.util
import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec, PathFinder
from types import MappingProxyType
from typing import Any


def find_module_spec(name: str) -> ModuleSpec | None:
    """Finds a module's specification as :func:`importlib.util.find_spec` does.

    If the imported module has none, it is that of the file that would be imported.

    Args:
        name: The module; its parent packages are imported.

    Returns:
        ``None`` if there is no such module, or no parent that could contain it.
    """
    if name in sys.modules:
        spec = read_held(sys.modules[name], "__spec__")
        return spec if isinstance(spec, ModuleSpec) else PathFinder.find_spec(name)
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def read_held(module: object, name: str) -> Any:
    """Reads a module's own attribute without calling its code; ``None`` if it has none of this name."""
    return read_all_held(module).get(name)


def read_all_held(module: object) -> Mapping[str, Any]:
    """Reads all of a module's own attributes without calling its code: some modules import on attribute access."""
    try:
        held = object.__getattribute__(module, "__dict__")
    except Exception:  # noqa: BLE001 - of a foreign object, which may not have it
        return {}
    return held if isinstance(held, (dict, MappingProxyType)) else {}


def is_instance_of(value: object, module: str, name: str) -> bool:
    """Returns whether a value is of a class of a library, without importing it: who has not has no such value.

    Args:
        value: Anything.
        module: The module that has the class among its attributes, such as ``pandas``.
        name: The name of the class, such as ``DataFrame``.
    """
    kind = read_held(sys.modules.get(module), name)
    return isinstance(kind, type) and isinstance(value, kind)


def find_failing_modules() -> list[str]:
    """Names entries of ``sys.modules`` that raise unexpected errors on attribute access."""
    failing = []
    for name, module in sys.modules.copy().items():  # at once: another thread may import
        try:
            getattr(module, "_tg_no_such_name", None)
        except Exception:  # noqa: BLE001 - this is what is searched for
            failing.append(name)
    return failing
