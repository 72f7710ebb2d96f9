"""Finds arguments of a factory that its annotations call secret, without importing the project."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from tg.common.delivery.delivery.project_imports import parse_module
from tg.common.delivery.delivery.python_source import read_python_source
from tg.common.delivery.delivery.source_folders import find_declared_sources, find_source_folders
from tg.common.errors import PackagingError
from tg_mlflow.train_command import TrainCommand

# Pydantic's SecretStr, SecretBytes and Secret[...], and what others call alike.
_SECRET = re.compile(r"\bSecret(Str|Bytes|String)?\b")
# So deep are classes in classes, and imports of imports, looked into.
_DEEPEST = 5


def find_secret_arguments(folder: Path, command: TrainCommand) -> set[str]:
    """Finds the arguments that are annotated as secret, as ``SecretStr`` is, and fields of classes that are arguments.

    The source is read, and nothing of it is run: what is secret has to be known before anything is recorded. What
    cannot be found in the project's source names nothing.

    Args:
        folder: The project's.
        command: Its factory.

    Returns:
        Names, such as ``key``, or ``settings.key`` for a field.
    """
    folder = folder.resolve()
    places = [folder, *find_source_folders(folder), *find_declared_sources(folder, [command.module])]
    return set(_find_fields(places, command.module, command.factory, _DEEPEST))


def _find_fields(places: Sequence[Path], module: str, name: str, depth: int) -> Iterator[str]:
    """Yields what is secret of a function's parameters, or of a class's fields."""
    tree = _read(places, module)
    if tree is None or depth == 0:
        return
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    yield from _find_fields(places, node.module, alias.name, depth - 1)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            for field, annotation in _list_annotations(node):
                text = annotation.value if isinstance(annotation, ast.Constant) else ast.unparse(annotation)
                if _SECRET.search(str(text)):
                    yield field
                    continue
                for part in dict.fromkeys(re.findall(r"\w+", str(text))):
                    yield from (f"{field}.{each}" for each in _find_fields(places, module, part, depth - 1))


def _list_annotations(node: "ast.FunctionDef | ast.ClassDef") -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.FunctionDef):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        yield from ((each.arg, each.annotation) for each in arguments if each.annotation is not None)
        return
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            yield each.target.id, each.annotation
        elif isinstance(each, ast.FunctionDef) and each.name == "__init__":
            yield from _list_annotations(each)


def _read(places: Sequence[Path], module: str) -> ast.Module | None:
    path = PurePosixPath(*module.split("."))
    for place in places:
        for file in (place / path / "__init__.py", place / path.with_suffix(".py")):
            if file.is_file():
                try:
                    return parse_module(read_python_source(file)[0], PurePosixPath(file))
                except PackagingError:
                    return None  # which is said when it is imported
    return None
