"""Pickles and unpickles objects, renaming the modules of their classes; nothing else in this library does.

A delivered class lives in the package's root, ``Titanic__0.tg.common…`` instead of ``tg.common…``. Names are matched by
whole parts: ``tg`` matches ``tg`` and ``tg.common``, but not ``tgx``.
"""

import importlib
import io
import pickle
import pickletools
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ....module_specs import find_failing_modules

# Protocols below 4 write the names of classes into the stream directly and not as shared strings, so they can be
# renamed without touching the data.
_RENAMED_PROTOCOL = 3

# How a task refers to a class that is only imported when needed.
_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")

# A pickle may contain modules themselves; these functions import them by name.
_IMPORTS = {("importlib", "import_module"), ("cloudpickle.cloudpickle", "subimport")}

_OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}

Rename = Callable[[str], str]

# Maps the module and the qualified name in a pickle to the module to import. The qualified name is empty if the module
# itself is wanted.
FindModule = Callable[[str, str], str]


def rename_prefix(name: str, renamed: Mapping[str, str]) -> str:
    """Renames a module by its longest prefix in ``renamed``; others are returned as they are."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        prefix = ".".join(parts[:count])
        if prefix in renamed:
            return ".".join([renamed[prefix], *parts[count:]])
    return name


def dump_pickle(value: Any, file: IO[bytes]) -> None:
    """Pickles into ``file``: by reference if a class can be imported, else by value (cloudpickle, if installed)."""
    _dump(value, file, pickle.DEFAULT_PROTOCOL)


def dump_renamed_pickle(value: Any, rename: Rename) -> tuple[bytes, set[str]]:
    """Pickles with the modules of classes and functions renamed.

    Classes and functions of ``__main__`` are pickled by value, all others by reference.

    Returns:
        The pickle, and the modules that it refers to, by their names here; strings of the form ``module:name`` count as
        references.

    Raises:
        Exception: If something cannot be pickled; a lambda or a local object of a module cannot.
    """
    original, modules = _dump_by_original_names(value, rename)
    result, copied = io.BytesIO(), 0
    for opcode, argument, start, end in _read_opcodes(original):
        if opcode == "GLOBAL":
            module, name, _ = original[start + 1 : end].decode().split("\n")
            modules.add(module)
            result.write(original[copied:start])
            result.write(f"c{rename(module)}\n{name}\n".encode())
            copied = end
        elif isinstance(argument, str) and _REFERENCE.fullmatch(argument):
            modules.add(argument.partition(":")[0])
    result.write(original[copied:])
    return result.getvalue(), modules


def _dump_by_original_names(value: Any, rename: Rename) -> tuple[bytes, set[str]]:
    def dump() -> tuple[bytes, set[str]]:
        buffer, modules = io.BytesIO(), set[str]()
        _make_renaming_pickler(buffer, rename, modules).dump(value)
        return buffer.getvalue(), modules

    try:
        return dump()
    except Exception:
        # An object without a module is looked up in all loaded modules, and some of these raise.
        failing = find_failing_modules()
        if not failing:
            raise
    hidden: dict[str, Any] = {name: sys.modules.pop(name) for name in failing if name in sys.modules}
    try:
        return dump()
    finally:
        sys.modules.update(hidden)


def can_pickle(value: Any) -> bool:
    """Returns whether :func:`dump_renamed_pickle` can pickle an object."""
    try:
        _dump_by_original_names(value, lambda name: name)
    except Exception:  # noqa: BLE001 - objects may raise anything when they are pickled
        return False
    return True


def load_pickle(source: "bytes | Path | IO[bytes]", find_module: FindModule = lambda module, name: module) -> Any:
    """Unpickles with the modules of classes and functions renamed. Only for trusted data: it runs code.

    Args:
        source: The pickle, its file, or an open one.
        find_module: Called with a module and the qualified name wanted from it, such as ``tg.tasks`` and
            ``Task.build``; returns the module to import. By default, modules keep their names.

    Raises:
        ModuleNotFoundError: If a class's module cannot be imported under its new name.
    """
    if isinstance(source, bytes):
        return _RenamingUnpickler(io.BytesIO(source), find_module).load()
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _RenamingUnpickler(file, find_module).load()
    return _RenamingUnpickler(source, find_module).load()


def _read_opcodes(content: bytes) -> Iterator[tuple[str, Any, int, int]]:
    """Yields each opcode's name, its argument, and where it begins and ends.

    Unlike ``pickletools.genops``, it accepts names of classes that are not ASCII.
    """
    stream = io.BytesIO(content)
    while code := stream.read(1):
        start, opcode = stream.tell() - 1, _OPCODES[code.decode("latin-1")]
        if opcode.name == "GLOBAL":
            argument: Any = stream.readline() + stream.readline()
        else:
            argument = opcode.arg.reader(stream) if opcode.arg is not None else None
        yield opcode.name, argument, start, stream.tell()


class _RenamingUnpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes], find_module: FindModule) -> None:
        super().__init__(file)
        self._find_module = find_module

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _IMPORTS:
            return lambda imported: importlib.import_module(self._find_module(imported, ""))
        return super().find_class(self._find_module(module, name), name)


def _dump(value: Any, file: IO[bytes], protocol: int) -> None:
    try:
        cloudpickle = importlib.import_module("cloudpickle")
    except ModuleNotFoundError:  # an image has it only where something in the package needs it
        pickle.dump(value, file, protocol=protocol)
    else:
        cloudpickle.dump(value, file, protocol=protocol)


def _make_renaming_pickler(file: IO[bytes], rename: Rename, modules: set[str]) -> Any:
    import cloudpickle

    class RenamingPickler(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, value: Any) -> Any:
            if isinstance(value, types.ModuleType):
                modules.add(value.__name__)
                return importlib.import_module, (rename(value.__name__),)
            if (
                isinstance(value, (types.FunctionType, type))
                and value.__module__ != "__main__"
                and ("<lambda>" in value.__qualname__ or "<locals>" in value.__qualname__)
            ):
                raise pickle.PicklingError(f"{value.__qualname__} cannot be imported from {value.__module__}")
            if isinstance(value, types.FunctionType) and _stands_for_its_namesake(value):
                return getattr, (sys.modules[value.__module__], value.__name__)
            return super().reducer_override(value)

    return RenamingPickler(file, protocol=_RENAMED_PROTOCOL)


def _stands_for_its_namesake(value: types.FunctionType) -> bool:
    """Returns whether a function wraps the one that its name leads to, as a metric does that autologging watches.

    MLflow puts the wrapper in place of ``sklearn.metrics.roc_auc_score``, but not in the module that defines it.
    """
    named = getattr(sys.modules.get(value.__module__), value.__name__, None)
    wrapped: Any = value
    while named is not None and (wrapped := getattr(wrapped, "__wrapped__", None)) is not None:
        if wrapped is named:
            return True
    return False
