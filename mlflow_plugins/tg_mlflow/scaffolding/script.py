"""A script as a syntax tree: what it imports, calls and reads."""

import ast
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tg.common.delivery.delivery.code.python_source import read_python_source
from tg.common.errors import PackagingError
from tg_mlflow.errors import ProjectError
from tg_mlflow.scaffolding.argparse_arguments import read_argparse
from tg_mlflow.scaffolding.click_arguments import read_click
from tg_mlflow.scaffolding.literals import find_constants, name_of, read_literal, walk_in_order
from tg_mlflow.scaffolding.script_argument import CommandLine

# They read the command line, too, in ways of their own.
OTHER_PARSERS = (
    "absl",
    "docopt",
    "fire",
    "getopt",
    "hydra",
    "jsonargparse",
    "optparse",
    "simple_parsing",
    "tyro",
    "typer",
)
_CHANNEL = "SM_CHANNEL_"
_READERS = ("read_csv", "read_excel", "read_json", "read_parquet", "read_table", "genfromtxt", "loadtxt")


@dataclass(frozen=True)
class Script:
    """A Python script.

    Attributes:
        path: Where it is.
        tree: Its syntax tree.
    """

    path: Path
    tree: ast.Module

    @cached_property
    def imports(self) -> list[str]:
        """The modules that it imports by absolute names, without the parts behind the first dot, in its order."""
        found: dict[str, None] = {}
        for node in walk_in_order(self.tree):
            if isinstance(node, ast.Import):
                found.update(dict.fromkeys(each.name.partition(".")[0] for each in node.names))
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found[node.module.partition(".")[0]] = None
        return list(found)

    @property
    def imported_names(self) -> list[tuple[int, str]]:
        """The dotted names that it imports, or may, and how many folders above each begins; 0 for absolute ones."""
        found: dict[tuple[int, str], None] = {}
        for node in walk_in_order(self.tree):
            if isinstance(node, ast.Import):
                found.update({(0, each.name): None for each in node.names})
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module or ''}.{each.name}".lstrip(".") for each in node.names)]
                found.update({(node.level, name): None for name in names if name})
        return list(found)

    def list_libraries(self, folder: Path) -> list[str]:
        """Lists the imported modules that neither Python nor the script's folder nor the project's has."""
        others = [name for name in self.imports if name not in sys.stdlib_module_names]
        return [name for name in others if not _has_module(self.path.parent, name) and not _has_module(folder, name)]

    @property
    def needed_modules(self) -> set[str]:
        """The modules without which it cannot even begin."""
        body = [each for each in self.tree.body if isinstance(each, (ast.Import, ast.ImportFrom))]
        return set(Script(self.path, ast.Module(list(body), [])).imports)

    def runs_as_module(self, folder: Path) -> bool:
        """Whether it runs with ``-m`` only: it imports relatively, or from the project's folder, not its own."""
        if any(isinstance(each, ast.ImportFrom) and each.level for each in ast.walk(self.tree)):
            return True
        if any(_has_module(self.path.parent, name) for name in self.imports):
            return False
        return any(_has_module(folder, name) for name in self.imports)

    @property
    def is_only_defining(self) -> bool:
        """Whether it has functions or classes, and nothing that would use them when it is run."""
        body = [each for each in self.tree.body if not isinstance(each, (ast.Import, ast.ImportFrom))]
        is_passive = [
            isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            or (
                isinstance(each, (ast.Expr, ast.Assign, ast.AnnAssign))
                and not any(isinstance(part, (ast.Call, ast.Await)) for part in ast.walk(each))
            )
            for each in body
        ]
        return all(is_passive) and any(hasattr(each, "decorator_list") for each in body)

    @property
    def channels(self) -> list[str]:
        """The channels whose folders it wants from SageMaker's variables, and cannot do without."""
        read = [
            read_literal(each.slice, self.constants)
            for each in walk_in_order(self.tree)
            if isinstance(each, ast.Subscript) and name_of(each.value) == "environ"
        ]
        found = (name.removeprefix(_CHANNEL) for name in read if isinstance(name, str) and name.startswith(_CHANNEL))
        return list(dict.fromkeys(name.lower() for name in found))

    @property
    def mlflow_calls(self) -> list[str]:
        """The functions of MLflow that it calls, in its order."""
        if "mlflow" not in self.imports:
            return []
        imported = {
            each.asname or each.name
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "mlflow"
            for each in node.names
        }
        calls = [each.func for each in walk_in_order(self.tree) if isinstance(each, ast.Call)]
        texts = [(ast.unparse(func), func) for func in calls if isinstance(func, (ast.Attribute, ast.Name))]
        return list(
            dict.fromkeys(name_of(func) for text, func in texts if text.startswith("mlflow.") or text in imported)
        )

    @property
    def constants(self) -> Mapping[str, object]:
        """The literals that the module names."""
        return find_constants(self.tree)

    @property
    def command_line(self) -> CommandLine | None:
        """What it takes, as far as argparse or click are told."""
        if "click" in self.imports or "rich_click" in self.imports:
            found = read_click(self.tree, self.constants)
            if found is not None:
                return found
        return read_argparse(self.tree, self.constants)

    @property
    def argument_lines(self) -> list[int]:
        """The lines that name ``sys.argv``."""
        return [
            each.lineno
            for each in walk_in_order(self.tree)
            if isinstance(each, ast.Attribute) and ast.unparse(each) == "sys.argv"
        ]

    @property
    def tables(self) -> list[str]:
        """The relative paths of the tables that it reads."""
        constants = self.constants
        found = [
            read_literal(each.args[0], constants)
            for each in walk_in_order(self.tree)
            if isinstance(each, ast.Call) and name_of(each.func) in _READERS and each.args
        ]
        return [text for text in dict.fromkeys(each for each in found if isinstance(each, str)) if _is_relative(text)]


def read_script(path: Path) -> Script:
    """Reads a script; nothing of it is run.

    Raises:
        ProjectError: If it cannot be read, or is not Python.
    """
    try:
        text, _ = read_python_source(path)
    except PackagingError as error:
        raise ProjectError(str(error).replace(", or name it in .tgignore", "")) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the user's escapes
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        cause = f"line {line}: {error.msg}" if isinstance(error, SyntaxError) and line else str(error)
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise ProjectError(f"{path} is not Python {version}: {cause}; correct it, or give another script") from error
    return Script(path, tree)


def _has_module(folder: Path, name: str) -> bool:
    """Whether a folder has a module, or modules below a folder of its name."""
    return (folder / f"{name}.py").is_file() or any((folder / name).glob("*.py"))


def _is_relative(text: str) -> bool:
    return "://" not in text and "\n" not in text and not text.startswith(("/", "~", "data:"))
