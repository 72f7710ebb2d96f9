"""What stands in ``sys.modules``, read with care: anything may stand for a module, and answer as it likes."""

import importlib.util
import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec, PathFinder
from types import MappingProxyType
from typing import Any


def find_module_spec(name: str) -> ModuleSpec | None:
    """Finds a module's specification as :func:`importlib.util.find_spec` does.

    Where what has been imported under the name has none, it is that of the file that would be imported.

    Args:
        name: The module; what it is below is imported.

    Returns:
        ``None`` if there is no such module, nor anything that could hold it.
    """
    if name in sys.modules:
        spec = read_held(sys.modules[name], "__spec__")
        return spec if isinstance(spec, ModuleSpec) else PathFinder.find_spec(name)
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def read_held(module: object, name: str) -> Any:
    """Reads what a module holds itself under a name, without asking it; ``None`` if it holds nothing."""
    return read_all_held(module).get(name)


def read_all_held(module: object) -> Mapping[str, Any]:
    """Reads all that a module holds itself, by name, without asking it: some import what they are asked for."""
    try:
        held = object.__getattribute__(module, "__dict__")
    except Exception:  # noqa: BLE001 - of an object of somebody's own making, which may have no such thing
        return {}
    return held if isinstance(held, (dict, MappingProxyType)) else {}


def find_failing_modules() -> list[str]:
    """Names what stands in ``sys.modules`` and raises other errors than it should when it is asked for an attribute."""
    failing = []
    for name, module in list(sys.modules.items()):
        try:
            getattr(module, "_tg_no_such_name", None)
        except Exception:  # noqa: BLE001 - which is what this is about
            failing.append(name)
    return failing
