"""Rewrites a module's imports so that they find project modules below the package's root."""

import ast
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from pathlib import PurePosixPath

from ...errors import PackagingError


@dataclass(frozen=True)
class ImportedModule:
    """An import in a module.

    Attributes:
        name: The imported module, named from the top.
        line: The line, from 1.
        is_required: Whether the module cannot be imported without it: it stands outside functions, ``try`` and ``if``.
    """

    name: str
    line: int
    is_required: bool


def rewrite_imports(source: str, path: PurePosixPath, root: str, names: Set[str]) -> str:
    """Puts ``root`` before the absolute imports of certain modules.

    Every form is understood, wherever it stands; relative imports stay as they are, and so do lines: a traceback names
    the same line before and after.

    ==================== ==============================================
    before               after
    ==================== ==============================================
    ``import a``         ``from root import a``
    ``import a.b``       ``import root.a.b; from root import a``
    ``import a.b as c``  ``import root.a.b as c``
    ``from a.b import c`` ``from root.a.b import c``
    ``import os, a``     ``import os; from root import a``
    ==================== ==============================================

    Args:
        source: The module's text.
        path: How to name it in a message.
        root: The package's module.
        names: The top-level modules that are below it.

    Raises:
        PackagingError: If it is not Python that this interpreter understands.
    """
    lines = source.encode().splitlines(keepends=True)
    nodes = [node for node in ast.walk(parse_module(source, path)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        text = _rewrite(node, root, lambda name: name.partition(".")[0] in names)
        if text is None:
            continue
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        first, last = node.lineno - 1, node.end_lineno - 1
        before, after = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
        # As many empty lines as the import filled more than one, so that later lines keep their numbers.
        lines[first : last + 1] = [before + text.encode() + after + b"\n" * (last - first)]
    return b"".join(lines).decode()


def find_imports(source: str, path: PurePosixPath) -> Iterator[ImportedModule]:
    """Yields what a module imports, named from the top; of ``from a import b`` both ``a`` and ``a.b``.

    Args:
        source: The module's text.
        path: Where it is in its project, which says what relative imports mean.

    Raises:
        PackagingError: If it is not Python that this interpreter understands.
    """
    tree = parse_module(source, path)
    required = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield ImportedModule(alias.name, node.lineno, id(node) in required)
        elif isinstance(node, ast.ImportFrom):
            around = path.parent.parts[: len(path.parent.parts) - node.level + 1] if node.level else ()
            name = ".".join([*around, *([node.module] if node.module else [])])
            if name:
                yield ImportedModule(name, node.lineno, id(node) in required)
            for alias in node.names:
                yield ImportedModule(f"{name}.{alias.name}".lstrip("."), node.lineno, is_required=False)


def parse_module(source: str, path: PurePosixPath) -> ast.Module:
    """Parses a module.

    Raises:
        PackagingError: If it is not Python that this interpreter understands.
    """
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = f" line {error.lineno}" if isinstance(error, SyntaxError) else ""
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise PackagingError(
            f"{path}{line} is not valid Python: {reason}; correct it, or name it in .tgignore"
        ) from error


def _rewrite(node: "ast.Import | ast.ImportFrom", root: str, is_below: Callable[[str], bool]) -> str | None:
    """Writes the import as it is in the package, or returns ``None`` if it stays."""
    if isinstance(node, ast.ImportFrom):
        if node.level or not node.module or not is_below(node.module):
            return None
        return (
            f"from {root}.{node.module} import {', '.join(_with_alias(each.name, each.asname) for each in node.names)}"
        )
    if not any(is_below(alias.name) for alias in node.names):
        return None
    statements = []
    for alias in node.names:
        if not is_below(alias.name):
            statements.append(f"import {_with_alias(alias.name, alias.asname)}")
        elif alias.asname:
            statements.append(f"import {root}.{alias.name} as {alias.asname}")
        else:
            top = alias.name.partition(".")[0]
            # `import a.b` loads a.b and binds a.
            statements += [f"import {root}.{alias.name}"] if "." in alias.name else []
            statements.append(f"from {root} import {top}")
    return "; ".join(statements)


def _with_alias(name: str, alias: str | None) -> str:
    return f"{name} as {alias}" if alias else name
