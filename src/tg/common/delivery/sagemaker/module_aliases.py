"""Lets code find a package's modules under their original names, too.

Imports in a package are rewritten when it is made. What cannot be rewritten is a module's name in a text, or in the
bytecode of a notebook's function; while a job runs, these find the package's modules.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from ...module_specs import find_module_spec, read_held


def add_module_aliases(root: str, names: Sequence[str]) -> None:
    """Makes top-level ``names`` and what is below them mean the modules below ``root``, in the whole process.

    Only for a process that runs one package and nothing else.
    """
    sys.meta_path.insert(0, _AliasFinder(root, frozenset(names)))


class _AliasFinder(MetaPathFinder):
    def __init__(self, root: str, names: frozenset[str]) -> None:
        self._root = root
        self._names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in self._names:
            return None
        real = f"{self._root}.{fullname}"
        if find_module_spec(real) is None:
            return None
        return ModuleSpec(fullname, _AliasLoader(real), is_package=True)


class _AliasLoader(Loader):
    """Gives the real module, which keeps its own name and specification."""

    def __init__(self, real: str) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._real)
        self._spec = read_held(module, "__spec__")
        return module

    def exec_module(self, module: ModuleType) -> None:
        if read_held(module, "__spec__") is not self._spec:  # the import system has put the alias's in its place
            module.__spec__ = self._spec
