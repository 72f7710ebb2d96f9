"""Rewrites a module's imports so that they find project modules below the package's root."""

import ast
import re
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import PurePosixPath

from .module_texts import find_module_texts
from .project_imports import parse_module


def rewrite_imports(source: str, path: PurePosixPath, root: str, names: Set[str]) -> str:
    """Puts ``root`` before the absolute imports of certain modules.

    Handles every form of import anywhere in a module. Relative imports stay as they are, and so do line numbers: a
    traceback names the same line before and after.

    ============================ ==============================================
    before                       after
    ============================ ==============================================
    ``import a``                 ``from root import a``
    ``import a.b``               ``import root.a.b as a; from root import a``
    ``import a.b as c``          ``import root.a.b as c``
    ``from a.b import c``        ``from root.a.b import c``
    ``import os, a``             ``import os; from root import a``
    ``import_module("a.b")``     ``import_module("root.a.b")``
    ``files("a")``               ``files("root.a")``
    ``__import__("a.b")``        ``__import__("root.a.b").a``
    ============================ ==============================================

    The functions that take names of modules are those of :mod:`.module_texts`, if the name is a string literal. A name
    that is computed at run time stays as it is, and is found by aliases.

    Args:
        source: The module's text.
        path: Its name in messages.
        root: The package's module.
        names: The top-level modules that are below it.

    Raises:
        PackagingError: If this interpreter cannot parse it.
    """
    lines = source.encode().splitlines(keepends=True)

    def is_below(name: str) -> bool:
        return name.partition(".")[0] in names

    nodes: list[tuple[_Span, str]] = []
    tree = parse_module(source, path)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            text = _rewrite(node, root, is_below)
            if text is not None:
                nodes.append((_Span.of(node), text))
    for named in find_module_texts(tree):
        value = str(named.literal.value)
        span = _Span.of(named.literal)
        # Up to Python 3.11 the positions of what is inside an f-string are not those in the file.
        if is_below(named.name) and (quote := span.quote_of(lines, value)) is not None:
            nodes.append((span, f"{quote}{root}.{value}{quote}"))
            if named.is_top_wanted:
                nodes.append((_Span.after(named.call), f".{named.name.partition('.')[0]}"))
    for span, text in sorted(nodes, key=lambda each: each[0], reverse=True):
        span.replace(lines, text)
    return b"".join(lines).decode()


@dataclass(frozen=True, order=True)
class _Span:
    """A piece of a module's text: lines from 0, columns in bytes of UTF-8."""

    first: int
    start: int
    last: int
    end: int

    @staticmethod
    def of(node: "ast.stmt | ast.expr") -> "_Span":
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return _Span(node.lineno - 1, node.col_offset, node.end_lineno - 1, node.end_col_offset)

    @staticmethod
    def after(node: ast.expr) -> "_Span":
        span = _Span.of(node)
        return _Span(span.last, span.end, span.last, span.end)

    def quote_of(self, lines: list[bytes], value: str) -> str | None:
        """Returns the quotes around a string of this value; ``None`` if something else is there."""
        if self.first != self.last:
            return None
        text = lines[self.first][self.start : self.end].decode(errors="replace")
        found = re.fullmatch(rf"""[rRuU]?("{{3}}|'{{3}}|"|'){re.escape(value)}\1""", text)
        return found[1] if found else None

    def replace(self, lines: list[bytes], text: str) -> None:
        """Replaces the piece by one line of text, and keeps the number of lines."""
        word, space, rest = text.partition(" ")
        # The text continues over the lines that it no longer needs. Empty lines after it would not work: its last line
        # may continue, such as with the beginning of a triple-quoted string.
        padded = word + space + "\\\n" * (self.last - self.first) + rest
        before, after = lines[self.first][: self.start], lines[self.last][self.end :]
        lines[self.first : self.last + 1] = [before + padded.encode() + after]


def _rewrite(node: "ast.Import | ast.ImportFrom", root: str, is_below: Callable[[str], bool]) -> str | None:
    """Returns the import as the package has it, or ``None`` if it stays as it is."""
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
            # `import a.b` loads a.b and binds a, and nothing else.
            statements += [f"import {root}.{alias.name} as {top}"] if "." in alias.name else []
            statements.append(f"from {root} import {top}")
    return "; ".join(statements)


def _with_alias(name: str, alias: str | None) -> str:
    return f"{name} as {alias}" if alias else name
