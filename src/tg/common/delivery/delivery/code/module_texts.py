"""Finds names of modules in strings, such as in ``import_module("a.b")`` and ``files("a")``."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_PACKAGES = ("importlib.resources", "importlib_resources")
_RESOURCES = (
    "files",
    "open_text",
    "open_binary",
    "read_text",
    "read_binary",
    "path",
    "contents",
    "is_resource",
)
_PKG_RESOURCES = ("filename", "string", "stream", "exists", "listdir", "isdir")
_NAME_AND_PACKAGE = ("name", "package")
# Two names of one argument, in different versions of Python.
_ANCHOR = ("package", "anchor")
# Functions that take modules' names, and in which arguments; the first ones are meant.
_KNOWN: dict[str, tuple[str, ...]] = {
    "importlib.util.find_spec": _NAME_AND_PACKAGE,
    "importlib.find_loader": ("name",),
    "pkgutil.get_data": ("package",),
    "pkgutil.get_loader": ("module_or_name",),
    "pkgutil.find_loader": ("fullname",),
    "pkgutil.resolve_name": ("name",),
    "runpy.run_module": ("mod_name",),
    "builtins.__import__": ("name",),
    **{f"{module}.{name}": _ANCHOR for module in _PACKAGES for name in _RESOURCES},
    **{f"pkg_resources.resource_{name}": ("package_or_requirement",) for name in _PKG_RESOURCES},
}
_IMPORT_MODULE, _IMPORT = "import_module", "__import__"


@dataclass(frozen=True)
class ModuleText:
    """A module's name in a string.

    Attributes:
        literal: The string, which is not a relative name; it may continue behind a colon.
        call: The call whose argument it is.
        is_top_wanted: Whether the call returns the top module of the name, as ``__import__("a.b")`` returns ``a``.
    """

    literal: ast.Constant
    call: ast.Call
    is_top_wanted: bool = False


def find_module_texts(
    imports: "Iterable[ast.Import | ast.ImportFrom]", calls: Iterable[ast.Call]
) -> Iterator[ModuleText]:
    """Yields the names of modules that known functions get as string literals.

    ``import_module`` is recognized by its name alone; the others, many of which have common names, only if they are
    imported from their modules.

    Args:
        imports: All imports of a module.
        calls: All calls in it.
    """
    origins = _find_origins(imports)
    for node in calls:
        for literal in _find_literals(node, origins):
            yield ModuleText(literal, node, _is_plain_import(node))


def _find_origins(imports: "Iterable[ast.Import | ast.ImportFrom]") -> dict[str, str]:
    """Returns what the names that a module imports stand for."""
    origins = {_IMPORT: f"builtins.{_IMPORT}"}
    for node in imports:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                origins[alias.asname or top] = alias.name if alias.asname else top
        elif node.module and not node.level:
            for alias in node.names:
                origins[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return origins


def _find_literals(call: ast.Call, origins: dict[str, str]) -> Iterator[ast.Constant]:
    called = _find_dotted(call.func)
    top, dot, rest = called.partition(".")
    full = f"{origins[top]}{dot}{rest}" if top in origins else called
    if called.rpartition(".")[2] == _IMPORT_MODULE:
        arguments: tuple[str, ...] = _NAME_AND_PACKAGE
    elif (known := _KNOWN.get(full)) is not None:
        arguments = known
    else:
        return
    positions = 1 if arguments == _ANCHOR else len(arguments)
    values = [*call.args[:positions], *(each.value for each in call.keywords if each.arg in arguments)]
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and _is_absolute(value.value):
            yield value


def _is_absolute(name: str) -> bool:
    return name != "" and not name.startswith(".")


def _find_dotted(node: ast.expr) -> str:
    """Returns the dotted name of a function, ``a.b.c``; of another expression, its last part after a dot."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_find_dotted(node.value)}.{node.attr}"
    return ""


def _is_plain_import(call: ast.Call) -> bool:
    """Returns whether it is ``__import__`` without ``fromlist``, which returns the top module."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
    return name == _IMPORT and len(call.args) < 4 and all(each.arg != "fromlist" for each in call.keywords)
