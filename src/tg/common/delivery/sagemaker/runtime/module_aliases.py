"""Lets code also find a package's modules under their original names.

Imports in a package are rewritten when it is made. A module's name that is computed at run time, or stands in the
bytecode of a notebook's function, cannot be rewritten; aliases resolve it while a job runs, and where a model of the
package is loaded.
"""

import importlib
import logging
import sys
import threading
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from ....module_specs import find_module_spec, read_held

_LOGGER = logging.getLogger(__name__)
_ADDING = threading.Lock()


def add_module_aliases(root: str, names: Sequence[str]) -> None:
    """Maps top-level ``names`` and what is below them to the modules below ``root``, in the whole process.

    Only for a process that runs one package and nothing else.
    """
    sys.meta_path.insert(0, _AliasFinder(root, frozenset(names)))


def add_fallback_aliases(root: str, names: Sequence[str]) -> None:
    """Maps top-level ``names`` to the modules below ``root`` where the process finds no others of these names.

    For a process that also does other things. If packages have modules of the same name, the first one keeps it; a
    warning is logged once the name is used. It may be called again with the same ``root``.
    """
    with _ADDING:
        finders = [each for each in sys.meta_path if getattr(each, _FALLBACK, False)]
        if any(each.root == root for each in finders):  # type: ignore[attr-defined]
            return
        # Each package has its own copy of this class, so finders recognize each other by their attributes.
        taken = {name: each.root for each in reversed(finders) for name in each.names}  # type: ignore[attr-defined]
        # Before the usual finders, which would load a module below an alias once more, under the alias's name.
        sys.meta_path.insert(len(finders), _FallbackFinder(root, frozenset(names)))
    for name in sorted(set(names) & taken.keys()):
        real = getattr(sys.modules.get(name), "__name__", None)
        if real == f"{taken[name]}.{name}":
            _warn(name, taken[name], root)


_FALLBACK = "is_tg_fallback"


class _AliasFinder(MetaPathFinder):
    def __init__(self, root: str, names: frozenset[str]) -> None:
        self.root = root
        self.names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in self.names:
            return None
        real = f"{self.root}.{fullname}"
        if find_module_spec(real) is None:
            return None
        return ModuleSpec(fullname, _AliasLoader(real), is_package=True)


class _FallbackFinder(_AliasFinder):
    is_tg_fallback = True

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top, dot, _ = fullname.partition(".")
        if top not in self.names:
            return None
        if dot:
            is_ours = getattr(sys.modules.get(top), "__name__", None) == f"{self.root}.{top}"
            return super().find_spec(fullname, path, target) if is_ours else None
        fallbacks = [each for each in sys.meta_path if getattr(each, _FALLBACK, False)]
        others = [each for each in sys.meta_path if each not in fallbacks]
        if any(each.find_spec(fullname, path, target) is not None for each in others):
            return None
        spec = super().find_spec(fullname, path, target)
        if spec is not None:
            for fallback in fallbacks:
                if fallback is not self and fullname in fallback.names:  # type: ignore[attr-defined]
                    _warn(fullname, self.root, fallback.root)  # type: ignore[attr-defined]
        return spec


class _AliasLoader(Loader):
    """Returns the real module, which keeps its own name and specification."""

    def __init__(self, real: str) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._real)
        self._spec = read_held(module, "__spec__")
        return module

    def exec_module(self, module: ModuleType) -> None:
        if read_held(module, "__spec__") is not self._spec:  # the import system has put the alias's in its place
            module.__spec__ = self._spec


def _warn(name: str, root: str, other: str) -> None:
    _LOGGER.warning(
        "the module %s is looked up by a text, and both %s and %s have it; here it is that of %s, so models of %s may "
        "predict wrongly: load them in processes of their own",
        name,
        root,
        other,
        root,
        other,
    )
