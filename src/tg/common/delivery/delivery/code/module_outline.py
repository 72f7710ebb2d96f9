"""The outline of a module: what its text imports, which modules it names in strings, and where each of that stands."""

import ast
import re
import threading
import warnings
from pathlib import PurePosixPath
from typing import NamedTuple

from ....errors import PackagingError
from .module_texts import find_module_texts

# Until 3.11.8, Python adds up the depths of all trees that are parsed at the same time, and fails.
_parsing = threading.Lock()
# Most nodes of a tree, and none of them holds an import or a call.
_LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop, ast.alias)
# Also in comments, and where it is no call: it is enough that a library may be used.
_QUOTED_WORD = re.compile(r"""["']([A-Za-z][\w.-]*)["']""", re.ASCII)
_CALLED_WORD = re.compile(r"\b([A-Za-z]\w*)\s*\(", re.ASCII)


class Span(NamedTuple):
    """A piece of a module's text: lines from 0, columns in bytes of UTF-8."""

    first: int
    start: int
    last: int
    end: int


class ImportStatement(NamedTuple):
    """A statement ``import …`` or ``from … import …``.

    Attributes:
        span: Where it stands.
        is_required: Whether the module cannot be imported without it: it stands outside functions, ``try`` and ``if``.
        level: How many dots are before the module's name; ``None`` for ``import …``.
        module: The module's name behind ``from``; it may be empty.
        names: What is imported, with the names behind ``as``.
    """

    span: Span
    is_required: bool
    level: int | None
    module: str
    names: list[tuple[str, str | None]]


class NamedModule(NamedTuple):
    """A module's name in a string, as in ``import_module("a.b")``.

    Attributes:
        text: The string, which is not a relative name; it may continue behind a colon.
        span: Where it stands.
        quote: The quotes around it; ``None`` if it cannot be replaced, as something else is there.
        call: Where the call stands whose argument it is.
        is_top_wanted: Whether the call returns the top module of the name, as ``__import__("a.b")`` returns ``a``.
    """

    text: str
    span: Span
    quote: str | None
    call: Span
    is_top_wanted: bool

    @property
    def name(self) -> str:
        """The module's name."""
        return self.text.partition(":")[0]


class ModuleOutline(NamedTuple):
    """What a module's text says of other modules; it follows from the text alone.

    Attributes:
        imports: The statements that import.
        named: The names in strings.
        words: All words in quotes, each once, which may name libraries.
        calls: All words before parentheses, each once, without what is before their last dot.
    """

    imports: list[ImportStatement]
    named: list[NamedModule]
    words: list[str]
    calls: list[str]


def outline_module(source: str, path: PurePosixPath) -> ModuleOutline:
    """Outlines a module.

    Args:
        source: Its text.
        path: Its name in messages.

    Raises:
        PackagingError: If this interpreter cannot parse it.
    """
    tree = parse_module(source, path)
    imports, calls = _list_nodes(tree)
    required = {id(node) for node in tree.body}
    statements = [
        ImportStatement(
            _span_of(node),
            id(node) in required,
            node.level if isinstance(node, ast.ImportFrom) else None,
            (node.module or "") if isinstance(node, ast.ImportFrom) else "",
            [(alias.name, alias.asname) for alias in node.names],
        )
        for node in imports
    ]
    named, lines = list[NamedModule](), list[bytes]()
    for each in find_module_texts(imports, calls):
        lines = lines or source.encode().splitlines(keepends=True)
        text, span = str(each.literal.value), _span_of(each.literal)
        named.append(NamedModule(text, span, _quote_of(span, lines, text), _span_of(each.call), each.is_top_wanted))
    return ModuleOutline(
        statements, named, sorted(set(_QUOTED_WORD.findall(source))), sorted(set(_CALLED_WORD.findall(source)))
    )


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


def _list_nodes(tree: ast.Module) -> "tuple[list[ast.Import | ast.ImportFrom], list[ast.Call]]":
    """Lists imports and calls in the order of :func:`ast.walk`, which takes twice the time."""
    imports, calls = list[ast.Import | ast.ImportFrom](), list[ast.Call]()
    nodes: list[ast.AST] = [tree]
    for node in nodes:  # which grows meanwhile
        if isinstance(node, ast.Call):
            calls.append(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            imports.append(node)
            continue
        for value in vars(node).values():
            if type(value) is list:
                nodes += [each for each in value if isinstance(each, ast.AST) and not isinstance(each, _LEAVES)]
            elif isinstance(value, ast.AST) and not isinstance(value, _LEAVES):
                nodes.append(value)
    return imports, calls


def _span_of(node: "ast.stmt | ast.expr") -> Span:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return Span(node.lineno - 1, node.col_offset, node.end_lineno - 1, node.end_col_offset)


def _quote_of(span: Span, lines: list[bytes], value: str) -> str | None:
    """Returns the quotes around a string of this value; ``None`` if something else is there.

    Up to Python 3.11 the positions of what is inside an f-string are not those in the file.
    """
    if span.first != span.last:
        return None
    text = lines[span.first][span.start : span.end].decode(errors="replace")
    found = re.fullmatch(rf"""[rRuU]?("{{3}}|'{{3}}|"|'){re.escape(value)}\1""", text)
    return found[1] if found else None
