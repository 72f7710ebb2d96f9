"""Finds what a project's module imports."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from .module_outline import ModuleOutline, outline_module


class ImportedModule(NamedTuple):
    """An import in a module.

    Attributes:
        name: The imported module, named from the top.
        line: The line, from 1.
        is_required: Whether the module cannot be imported without it: it stands outside functions, ``try`` and ``if``.
        is_run: Whether it is run with the module, if it is a module: ``b`` of ``from a import b`` may be something
            else.
    """

    name: str
    line: int
    is_required: bool
    is_run: bool = False


def find_imports(source: str, path: PurePosixPath) -> Iterator[ImportedModule]:
    """Yields what a module imports, named from the top; of ``from a import b`` both ``a`` and ``a.b``.

    Names in strings, as in ``import_module("a.b")`` and ``files("a")``, count, too.

    Args:
        source: The module's text.
        path: Its path in the project, to which relative imports are relative.

    Raises:
        PackagingError: If it is not Python that this interpreter understands.
    """
    return list_imports(outline_module(source, path), path)


def list_imports(outline: ModuleOutline, path: PurePosixPath) -> Iterator[ImportedModule]:
    """Yields, as :func:`find_imports` does, what a module of this outline imports."""
    for each in outline.imports:
        line = each.span.first + 1
        if each.level is None:
            for name, _ in each.names:
                yield ImportedModule(name, line, each.is_required, each.is_required)
            continue
        around = path.parent.parts[: max(0, len(path.parent.parts) - each.level + 1)] if each.level else ()
        module = ".".join([*around, *([each.module] if each.module else [])])
        if module:
            yield ImportedModule(module, line, each.is_required, each.is_required)
        for name, _ in each.names:
            if name != "*":
                below = f"{module}.{name}".lstrip(".")
                yield ImportedModule(below, line, is_required=False, is_run=each.is_required)
    for named in outline.named:
        yield ImportedModule(named.name, named.span.first + 1, is_required=False)
