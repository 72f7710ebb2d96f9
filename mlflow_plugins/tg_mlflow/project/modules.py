"""A project's own modules, imported afresh for one run and unloaded after it."""

import importlib
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from tg.common.delivery.delivery.code.installed_distributions import find_installed
from tg.common.delivery.delivery.code.source_folders import find_declared_sources, find_source_folders, is_own_path
from tg.common.module_specs import read_all_held

# Also where this library is installed with `pip install --editable`.
_OWN = ("tg", "tg_mlflow")

# sys.modules and sys.path belong to the whole process, so runs that change them take turns. A run may start another
# one.
_lock = threading.RLock()


class _FreshLoader(SourceFileLoader):
    """Compiles the source each time: a cached bytecode file is not noticed to be old within a second of a change."""

    def path_stats(self, path: str) -> NoReturn:
        raise OSError(path)  # how a loader says that it knows nothing of a file's age; nothing is cached then


class _ProjectFinder(FileFinder):
    """Finds modules that hide no others: a ``docker.py`` in a project is not what a library imports."""

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        return None if "." not in fullname and find_owner(fullname) else super().find_spec(fullname, target)


def find_owner(name: str) -> str | None:
    """Returns where a top-level module is that no project's module hides: ours, an installed one, or Python's own."""
    return "tg-mlflow's own package" if name in _OWN else find_installed(name)


@contextmanager
def project_modules(folder: Path, modules: Iterable[str] = ()) -> Iterator[None]:
    """Makes the modules in ``folder`` importable, as absolute names, while the context is open.

    So are those in its source folders, such as ``src``: the folders inside it that are on ``sys.path`` already, and
    those that it declares. Modules are read from their present files, even if others of the same name have been
    imported. At the end they are unloaded, and modules that they hid are restored. Modules of the standard library and
    installed ones are not hidden; nor is anything in an environment that lies in ``folder``.

    Args:
        folder: The project's folder.
        modules: Modules to be imported from it, such as the factory's, for which ``src`` is searched.
    """
    folder = folder.resolve()

    def hook(path: str) -> FileFinder:
        if not is_own_path(folder, Path(path).resolve()):
            raise ImportError(path)  # how a hook says that a path is not its own
        return _ProjectFinder(path, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_FreshLoader, SOURCE_SUFFIXES))

    with _lock:
        places = [folder, *find_source_folders(folder)]
        places += [each for each in find_declared_sources(folder, modules) if each not in places]
        hidden = {name: sys.modules.pop(name) for name in _names_to_hide(folder, places)}
        before, path = set(sys.modules), [str(place) for place in places]
        sys.path[:0] = path
        sys.path_hooks.insert(0, hook)
        _forget_finders()
        try:
            yield
        finally:
            sys.path_hooks.remove(hook)
            for each in path:
                if each in sys.path:
                    sys.path.remove(each)
            _forget_finders()
            for name in set(sys.modules) - before:
                if _is_in(folder, name):
                    del sys.modules[name]
            sys.modules.update(hidden)


def _names_to_hide(folder: Path, places: Sequence[Path]) -> list[str]:
    own = {
        entry.stem
        for place in places
        for entry in place.iterdir()
        if entry.suffix == ".py" or (entry.is_dir() and entry.name.isidentifier())
    }
    own -= {"__main__"}
    top_level = [
        name
        for name in own
        if name in sys.modules
        and (any(_is_file(place, name) for place in places) or _is_in(folder, name))
        and not find_owner(name)
    ]
    return [name for name in list(sys.modules) if name.partition(".")[0] in top_level]


def _is_file(folder: Path, name: str) -> bool:
    return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()


def _is_in(folder: Path, name: str) -> bool:
    try:
        return any(is_own_path(folder, Path(place).resolve()) for place in _places_of(sys.modules.get(name)))
    except (TypeError, ValueError):  # it does not return a path
        return False


def _places_of(module: object) -> list[str]:
    """Returns a module's own record of its file, if it has one."""
    held = read_all_held(module)
    try:
        return [place for place in (held.get("__file__"), *(held.get("__path__") or ())) if place is not None]
    except Exception:  # noqa: BLE001 - of a foreign path object; it is not the project's
        return []


def _forget_finders() -> None:
    importlib.invalidate_caches()
    sys.path_importer_cache.clear()  # those of libraries, too: made again in less time than they are told apart
