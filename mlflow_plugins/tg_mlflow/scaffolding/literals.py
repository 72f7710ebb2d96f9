"""Values that stand in a syntax tree, as far as they can be known without running it."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any


class Unknown(Enum):
    """What only the running script knows."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


def walk_in_order(tree: ast.AST) -> Iterator[ast.AST]:
    """Yields a tree's nodes as they stand in the text, unlike :func:`ast.walk`."""
    open_nodes = [tree]
    while open_nodes:
        node = open_nodes.pop()
        yield node
        open_nodes += reversed(list(ast.iter_child_nodes(node)))


def find_constants(tree: ast.Module) -> dict[str, object]:
    """Finds the names of a module that are assigned once, and a literal."""
    counts = Counter(
        each.id for each in ast.walk(tree) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    )
    found: dict[str, object] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and counts[target.id] == 1 and statement.value is not None:
                found[target.id] = read_literal(statement.value, found)
    return {name: value for name, value in found.items() if value is not UNKNOWN}


def read_literal(node: ast.AST, constants: Mapping[str, object]) -> Any:
    """Reads a value: a literal, a path made of one, or a constant of the module; else `UNKNOWN`."""
    if isinstance(node, ast.Name):
        return constants.get(node.id, UNKNOWN)
    if isinstance(node, ast.Call) and name_of(node.func) == "Path" and len(node.args) == 1 and not node.keywords:
        text = read_literal(node.args[0], constants)
        return text if isinstance(text, str) else UNKNOWN
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return UNKNOWN


def name_of(node: ast.AST) -> str:
    """Returns the last name of an expression, such as ``Path`` of ``pathlib.Path``; empty if there is none."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
