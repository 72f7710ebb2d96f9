"""Finds arguments of a factory that are annotated as secret, without importing the project."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from tg.common.delivery.delivery.code.module_outline import parse_module
from tg.common.delivery.delivery.code.python_source import read_python_source
from tg.common.delivery.delivery.code.source_folders import find_declared_sources, find_source_folders
from tg.common.errors import PackagingError
from tg.common.secrets import names_hiding_type
from tg_mlflow.project.train_command import TrainCommand

# What is written as a list, whose items have no names.
_NAMELESS = re.compile(r"\bNamedTuple\b")
_WORD = re.compile(r"[^\W\d][\w.]*")
# The whole value rather than a field of it.
_WHOLE = ""


def find_secret_arguments(folder: Path, command: TrainCommand) -> set[str]:
    """Finds the arguments that are annotated as secret, as ``SecretStr`` is, and fields of classes that are arguments.

    The source is parsed and not run, as secrets have to be known before anything is recorded. Names that cannot be
    found in the project's source are ignored.

    Args:
        folder: The project's.
        command: Its factory.

    Returns:
        Names, such as ``key``, or ``settings.key`` for a field.
    """
    folder = folder.resolve()
    places = [folder, *find_source_folders(folder), *find_declared_sources(folder, command.modules)]
    return set(_SecretFields(places).find(command.module, command.factory)) - {_WHOLE}


class _SecretFields:
    """Looks names up in the modules of a project, through imports, base classes and other names for them."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = places
        self._modules: dict[str, tuple[list[ast.stmt], bool]] = {}

    def find(self, module: str, name: str, seen: frozenset[tuple[str, str]] = frozenset()) -> Iterator[str]:
        """Yields what is secret of a function's parameters, or of a class's fields; ``_WHOLE`` for all of it.

        Args:
            module: Where it is looked up.
            name: Its name there, which may have dots.
            seen: What is being looked up already.
        """
        if (module, name) in seen:
            return
        seen |= {(module, name)}
        statements, is_package = self._read(module)
        first, _, rest = name.partition(".")
        for node in statements:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    known = alias.asname or alias.name
                    if name.startswith(f"{known}."):
                        yield from self.find(alias.name, name.removeprefix(f"{known}."), seen)
            elif isinstance(node, ast.ImportFrom):
                source = _resolve(node, module, is_package)
                for alias in node.names:
                    if (alias.asname or alias.name) == first:
                        if names_hiding_type(alias.name):
                            yield _WHOLE
                        yield from self.find(source, ".".join(filter(None, (alias.name, rest))), seen)
                        if rest:
                            yield from self.find(f"{source}.{alias.name}", rest, seen)
                    elif alias.name == "*":
                        yield from self.find(source, name, seen)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name:
                yield from self._find_in_definition(module, node, seen)
            elif (value := _value_of(node, name)) is not None:
                yield from self._find_in_text(module, ast.unparse(value), seen)

    def _find_in_definition(
        self,
        module: str,
        node: "ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef",
        seen: frozenset[tuple[str, str]],
    ) -> Iterator[str]:
        bases = [ast.unparse(each) for each in node.bases] if isinstance(node, ast.ClassDef) else []
        for base in bases:
            yield from self._find_in_text(module, base, seen)
        for field, annotation in _list_annotations(node):
            text = annotation.value if isinstance(annotation, ast.Constant) else ast.unparse(annotation)
            for each in self._find_in_text(module, str(text), seen):
                yield f"{field}.{each}" if each else field
                if any(map(_NAMELESS.search, bases)):
                    yield _WHOLE

    def _find_in_text(self, module: str, text: str, seen: frozenset[tuple[str, str]]) -> Iterator[str]:
        if names_hiding_type(text):
            yield _WHOLE
            return
        for word in dict.fromkeys(_WORD.findall(text)):
            yield from self.find(module, word, seen)

    def _read(self, module: str) -> tuple[list[ast.stmt], bool]:
        """Returns the statements of a module, including those in branches, and whether it is a package."""
        if module not in self._modules:
            self._modules[module] = [], False  # unless it is found
            path = PurePosixPath(*module.split("."))
            files = [each for place in self._places for each in (place / path / "__init__.py", place / f"{path}.py")]
            if file := next((each for each in files if each.is_file()), None):
                try:
                    tree = parse_module(read_python_source(file)[0], PurePosixPath(file))
                except PackagingError:
                    return self._modules[module]  # which is said when it is imported
                self._modules[module] = list(_list_statements(tree)), file.name == "__init__.py"
        return self._modules[module]


def _list_statements(node: ast.AST) -> Iterator[ast.stmt]:
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.stmt):
            yield each
        if not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            yield from _list_statements(each)


def _resolve(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    """Returns the full name of the module from which something is imported."""
    if not node.level:
        return node.module or ""
    parents = module.split(".")
    parents = parents[: len(parents) - node.level + is_package]
    return ".".join([*parents, *filter(None, [node.module])])


def _value_of(node: ast.stmt, name: str) -> ast.expr | None:
    """Returns the expression that a statement assigns to a name."""
    if isinstance(node, ast.Assign):
        targets, value = node.targets, node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets, value = [node.target], node.value
    elif type(node).__name__ == "TypeAlias":  # which Python 3.10 and 3.11 do not have
        targets, value = [node.name], node.value  # type: ignore[attr-defined]
    else:
        return None
    return value if any(isinstance(each, ast.Name) and each.id == name for each in targets) else None


def _list_annotations(
    node: "ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef",
) -> Iterator[tuple[str, ast.expr]]:
    if not isinstance(node, ast.ClassDef):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        yield from ((each.arg, each.annotation) for each in arguments if each.annotation is not None)
        return
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            yield each.target.id, each.annotation
        elif isinstance(each, ast.FunctionDef) and each.name in ("__init__", "__call__"):
            yield from _list_annotations(each)
