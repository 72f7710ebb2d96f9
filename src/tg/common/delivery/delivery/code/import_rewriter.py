"""Rewrites a module's imports so that they find project modules below the package's root."""

from collections.abc import Callable, Set
from pathlib import PurePosixPath

from .module_outline import ImportStatement, ModuleOutline, Span, outline_module


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
    return rewrite_outlined(source, outline_module(source, path), root, names)


def rewrite_outlined(source: str, outline: ModuleOutline, root: str, names: Set[str]) -> str:
    """Puts ``root`` before imports, as :func:`rewrite_imports` does, in a module of this outline."""

    def is_below(name: str) -> bool:
        return name.partition(".")[0] in names

    changes: list[tuple[Span, str]] = []
    for statement in outline.imports:
        text = _rewrite(statement, root, is_below)
        if text is not None:
            changes.append((statement.span, text))
    for named in outline.named:
        if is_below(named.name) and named.quote is not None:
            changes.append((named.span, f"{named.quote}{root}.{named.text}{named.quote}"))
            if named.is_top_wanted:
                after = Span(named.call.last, named.call.end, named.call.last, named.call.end)
                changes.append((after, f".{named.name.partition('.')[0]}"))
    if not changes:
        return source
    lines = source.encode().splitlines(keepends=True)
    for span, text in sorted(changes, key=lambda each: each[0], reverse=True):
        _replace(lines, span, text)
    return b"".join(lines).decode()


def _replace(lines: list[bytes], span: Span, text: str) -> None:
    """Replaces a piece of a text by one line, and keeps the number of lines."""
    word, space, rest = text.partition(" ")
    # The text continues over the lines that it no longer needs. Empty lines after it would not work: its last line may
    # continue, such as with the beginning of a triple-quoted string.
    padded = word + space + "\\\n" * (span.last - span.first) + rest
    before, after = lines[span.first][: span.start], lines[span.last][span.end :]
    lines[span.first : span.last + 1] = [before + padded.encode() + after]


def _rewrite(statement: ImportStatement, root: str, is_below: Callable[[str], bool]) -> str | None:
    """Returns the import as the package has it, or ``None`` if it stays as it is."""
    if statement.level is not None:
        if statement.level or not statement.module or not is_below(statement.module):
            return None
        return f"from {root}.{statement.module} import {', '.join(_with_alias(*each) for each in statement.names)}"
    if not any(is_below(name) for name, _ in statement.names):
        return None
    parts = []
    for name, alias in statement.names:
        if not is_below(name):
            parts.append(f"import {_with_alias(name, alias)}")
        elif alias:
            parts.append(f"import {root}.{name} as {alias}")
        else:
            top = name.partition(".")[0]
            # `import a.b` loads a.b and binds a, and nothing else.
            parts += [f"import {root}.{name} as {top}"] if "." in name else []
            parts.append(f"from {root} import {top}")
    return "; ".join(parts)


def _with_alias(name: str, alias: str | None) -> str:
    return f"{name} as {alias}" if alias else name
