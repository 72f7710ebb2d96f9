"""Finds optional parts of libraries that a package uses, though neither imports nor metadata name them."""

import json
import os
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TypeGuard

from ....errors import PackagingError
from ....module_specs import read_all_held, read_held
from .installed_distributions import find_distribution, find_distributions, find_required, name_distribution
from .module_outline import ModuleOutline, outline_module
from .project_imports import list_imports
from .python_source import read_python_source

_KERAS_VARIABLE = "KERAS_BACKEND"

Outline = Callable[[str, PurePosixPath], ModuleOutline]

# What pandas uses for these by default.
_PANDAS_ENGINES = {
    "read_excel": "openpyxl",
    "to_excel": "openpyxl",
    "read_hdf": "tables",
    "to_hdf": "tables",
    "read_html": "lxml",
    "read_xml": "lxml",
    "to_xml": "lxml",
    "read_sql": "SQLAlchemy",
    "to_sql": "SQLAlchemy",
    "to_markdown": "tabulate",
}


def find_optional_parts(
    modules: Iterable[str],
    distributions: Iterable[str],
    outlines: Iterable[ModuleOutline],
    outline: Outline = outline_module,
) -> set[str]:
    """Finds installed distributions that are used although neither the code nor a library's metadata requires them.

    These are modules that a library's loaded modules need, such as torch for skorch or Keras; the backend that Keras is
    set to; and optional requirements of a library that the code names in a string, or uses through a function of
    pandas.

    Args:
        modules: Top-level names of installed modules that the package needs.
        distributions: The distributions that provide them.
        outlines: Those of the package's modules.
        outline: Outlines a module's text, as :func:`outline_module` does.
    """
    modules, declared = set(modules), find_required(distributions)
    found = find_distributions(_find_loaded_parts(modules, declared, outline))
    if keras := find_keras_backend(declared):
        found |= find_distributions([keras])
    return (found | _find_named_parts(declared, outlines)) - declared


def find_variables(distributions: Iterable[str]) -> dict[str, str]:
    """Returns variables that make libraries choose the same parts in the job as here."""
    backend = find_keras_backend(find_required(distributions))
    return {_KERAS_VARIABLE: backend} if backend is not None else {}


def find_keras_backend(distributions: Iterable[str]) -> str | None:
    """Returns the backend that Keras uses here: as it reports, or else as it would find it when imported.

    ``None`` if Keras is not among the distributions.
    """
    if "keras" not in distributions:
        return None
    loaded = sys.modules.get("keras.backend")
    if loaded is not None and callable(backend := read_held(loaded, "backend")):
        return str(backend())
    if backend := os.environ.get(_KERAS_VARIABLE):
        return backend
    path = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "keras.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        settings = {}
    return str(settings.get("backend", "tensorflow")) if isinstance(settings, dict) else "tensorflow"


def _find_loaded_parts(modules: set[str], declared: set[str], outline: Outline) -> set[str]:
    """Returns the undeclared top-level modules that loaded modules of ``modules`` import at module level."""
    parts, is_declared = set[str](), dict.fromkeys(sys.stdlib_module_names, True)
    for name, module in sys.modules.copy().items():  # at once: another thread may import
        top = name.partition(".")[0]
        if top not in modules:
            continue
        held = read_all_held(module)
        undeclared = set[str]()
        for each in [value.__name__.partition(".")[0] for value in list(held.values()) if _is_module(value)]:
            if each not in is_declared:
                is_declared[each] = find_distributions([each]) <= declared
            if each != top and not is_declared[each]:
                undeclared.add(each)
        # An adapter to a library, such as scikit-learn's `array_api_compat.torch`, is loaded where that one is.
        undeclared -= set(name.split("."))
        if undeclared - parts:
            parts |= undeclared & set(_required_imports(name, held, outline))
    return parts


def _is_module(value: object) -> TypeGuard[types.ModuleType]:
    return type(value) is types.ModuleType  # other objects in place of a module may answer anything


def _required_imports(name: str, held: Mapping[str, object], outline: Outline) -> Iterator[str]:
    file = held.get("__file__")
    if not isinstance(file, str) or not file.endswith(".py"):
        return
    path = PurePosixPath(*name.split("."), Path(file).name)
    try:
        source, _ = read_python_source(Path(file))
        yield from (
            each.name.partition(".")[0] for each in list_imports(outline(source, path), path) if each.is_required
        )
    except (PackagingError, OSError):
        return  # it is loaded, so its source is of another kind, which cannot be read


def _find_named_parts(declared: set[str], outlines: Iterable[ModuleOutline]) -> set[str]:
    """Returns the installed optional requirements of libraries that the code names."""
    words, calls = set[str](), set[str]()
    for each in outlines:
        words.update(each.words)
        calls.update(each.calls)
    named = {name_distribution(word) for word in words}
    if "pandas" in declared:
        named |= {name_distribution(_PANDAS_ENGINES[call]) for call in calls & _PANDAS_ENGINES.keys()}
    optional = {name_distribution(each) for name in declared for each in _read_extras(name)}
    return {name for each in named & optional if (name := _find_installed_name(each)) is not None}


def _read_extras(distribution: str) -> Iterator[str]:
    installed = find_distribution(distribution)
    for line in () if installed is None else installed.requires:
        what, _, marker = line.partition(";")
        if "extra" in marker:
            yield what.strip()


def _find_installed_name(name: str) -> str | None:
    installed = find_distribution(name)
    return None if installed is None else installed.name
