"""Finds what a project's module imports."""

import ast
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from ....errors import PackagingError
from .module_texts import find_module_texts

# Until 3.11.8, Python adds up the depths of all trees that are parsed at the same time, and fails.
_parsing = threading.Lock()


@dataclass(frozen=True)
class ImportedModule:
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
    tree = parse_module(source, path)
    required = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield ImportedModule(alias.name, node.lineno, id(node) in required, id(node) in required)
        elif isinstance(node, ast.ImportFrom):
            around = path.parent.parts[: max(0, len(path.parent.parts) - node.level + 1)] if node.level else ()
            name = ".".join([*around, *([node.module] if node.module else [])])
            if name:
                yield ImportedModule(name, node.lineno, id(node) in required, id(node) in required)
            for alias in node.names:
                if alias.name != "*":
                    below = f"{name}.{alias.name}".lstrip(".")
                    yield ImportedModule(below, node.lineno, is_required=False, is_run=id(node) in required)
    for text in find_module_texts(tree):
        yield ImportedModule(text.name, text.literal.lineno, is_required=False)


def parse_module(source: str, path: PurePosixPath) -> ast.Module:
    """Parses a module.

    Raises:
        PackagingError: If it is not Python that this interpreter understands.
    """
    try:
        with _parsing, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the project's style; they are shown when the module is imported
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise PackagingError(
            f"{path}{line} is not valid Python: {reason}; correct it, or name it in .tgignore"
        ) from error
