"""The modules of a tree and what they import, read from their import statements."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Import:
    """One imported module.

    Attributes:
        line: Where the statement is.
        module: The module, absolute; of ``from room import module`` it is ``room.module``.
        is_relative: Whether the statement is relative.
        is_top_level: Whether it runs when the importing module is imported.
    """

    line: int
    module: str
    is_relative: bool
    is_top_level: bool


class ImportGraph:
    """The modules below a package.

    Args:
        folder: Where the package is looked for, below the repository.
        package: The package.

    Attributes:
        paths: The file of each module.
    """

    def __init__(self, folder: str, package: str) -> None:
        self.package = package
        root = ROOT / folder
        files = sorted((root / package.replace(".", "/")).rglob("*.py"))
        self.paths = {_name(path.relative_to(root)): path for path in files}

    @cached_property
    def imports(self) -> Mapping[str, list[Import]]:
        """What each module imports."""
        return {module: list(self._read(module, path)) for module, path in self.paths.items()}

    @cached_property
    def own_imports(self) -> Mapping[str, set[str]]:
        """The modules of this graph that each of them imports."""
        return {
            module: {each.module for each in found if each.module in self.paths} - {module}
            for module, found in self.imports.items()
        }

    def room_of(self, module: str) -> str:
        """The folder of a module, below the package; empty for the package's own."""
        is_face = self.paths[module].name == "__init__.py"
        room = module if is_face else module.rpartition(".")[0]
        return room.removeprefix(self.package).lstrip(".")

    def count_floors(self) -> dict[str, int]:
        """On which floor each module stands: one above the highest that it imports.

        Raises:
            AssertionError: If modules import each other in a circle.
        """
        floors: dict[str, int] = {}

        def climb(module: str, path: tuple[str, ...]) -> int:
            assert module not in path, f"a circle: {' -> '.join([*path[path.index(module) :], module])}"
            if module not in floors:
                below = [climb(each, (*path, module)) for each in sorted(self.own_imports[module])]
                floors[module] = 1 + max(below, default=0)
            return floors[module]

        for module in self.paths:
            climb(module, ())
        return floors

    def _read(self, module: str, path: Path) -> Iterator[Import]:
        package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            is_top_level = node in tree.body
            if isinstance(node, ast.Import):
                yield from (Import(node.lineno, alias.name, False, is_top_level) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = [*package[: len(package) - node.level + 1]] if node.level else []
                source = ".".join([*base, *([node.module] if node.module else [])])
                for alias in node.names:
                    below = f"{source}.{alias.name}"
                    target = below if below in self.paths else source
                    yield Import(node.lineno, target, bool(node.level), is_top_level)


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
