"""A project's own modules, imported afresh for one run and gone after it."""

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from pathlib import Path
from typing import NoReturn

# sys.modules and sys.path belong to the whole process, so runs that change them take turns. A run may start another.
_lock = threading.RLock()


class _FreshLoader(SourceFileLoader):
    """Compiles the source each time: a cached bytecode file is not noticed to be old within a second of a change."""

    def path_stats(self, path: str) -> NoReturn:
        raise OSError(path)  # how a loader says that it knows nothing of a file's age; nothing is cached then


@contextmanager
def project_modules(folder: Path) -> Iterator[None]:
    """Makes the modules in ``folder`` importable, as absolute names, while the context is open.

    They are read from their files as these are now, whatever has been imported before under the same name. When the
    context is left they are forgotten, and what they hid is there again. Modules of the standard library are not
    hidden.
    """
    folder = folder.resolve()

    def hook(path: str) -> FileFinder:
        if not Path(path).resolve().is_relative_to(folder):
            raise ImportError(path)  # how a hook says that a path is not its own
        return FileFinder(path, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_FreshLoader, SOURCE_SUFFIXES))

    with _lock:
        hidden = {name: sys.modules.pop(name) for name in _names_to_hide(folder)}
        before = set(sys.modules)
        sys.path.insert(0, str(folder))
        sys.path_hooks.insert(0, hook)
        _forget_finders(folder)
        try:
            yield
        finally:
            sys.path_hooks.remove(hook)
            if str(folder) in sys.path:
                sys.path.remove(str(folder))
            _forget_finders(folder)
            for name in set(sys.modules) - before:
                if _is_in(folder, name):
                    del sys.modules[name]
            sys.modules.update(hidden)


def _names_to_hide(folder: Path) -> list[str]:
    own = {
        entry.stem
        for entry in folder.iterdir()
        if entry.suffix == ".py" or (entry.is_dir() and entry.name.isidentifier())
    }
    own -= set(sys.stdlib_module_names) | {"__main__"}
    top_level = [name for name in own if name in sys.modules and (_is_file(folder, name) or _is_in(folder, name))]
    return [name for name in list(sys.modules) if name.partition(".")[0] in top_level]


def _is_file(folder: Path, name: str) -> bool:
    return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()


def _is_in(folder: Path, name: str) -> bool:
    try:
        return any(Path(place).resolve().is_relative_to(folder) for place in _places_of(sys.modules.get(name)))
    except (TypeError, ValueError):  # what it gives is no path
        return False


def _places_of(module: object) -> list[str]:
    """Where a module says that it is. Anything may stand for a module: what it does not hold itself is not asked for.

    Some answer every question, as ``torch.classes`` does, or with what they import only then.
    """
    try:
        held = object.__getattribute__(module, "__dict__")
        return [place for place in (held.get("__file__"), *(held.get("__path__") or ())) if place is not None]
    except Exception:  # noqa: BLE001 - of a module of somebody's own making; it is none of the project's
        return []


def _forget_finders(folder: Path) -> None:
    importlib.invalidate_caches()
    for path in list(sys.path_importer_cache):
        if Path(path).resolve().is_relative_to(folder):
            del sys.path_importer_cache[path]
