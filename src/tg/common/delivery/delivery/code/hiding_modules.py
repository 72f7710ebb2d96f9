"""Finds modules of a project that shadow an installed module."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from ....errors import PackagingError
from .installed_distributions import find_installed


@dataclass(frozen=True)
class HidingModule:
    """A top-level module of a project that shadows another.

    Attributes:
        path: Its file, or the first one in its folder, as it is in a package.
        what: What it hides: the name, and where the other module is.
        is_found_first: Whether an import in one of the project's programs finds it before the other: a folder without
            ``__init__.py`` comes after every module.
    """

    path: PurePosixPath
    what: str
    is_found_first: bool

    def describe(self, importer: str | None = None) -> str:
        """Describes the problem, and what to do."""
        imported = f", and {importer} imports it" if importer else ""
        return f"project module {str(self.path)!r} hides {self.what}{imported}; rename it, or name it in .tgignore"


def find_hiding_modules(modules: Collection[PurePosixPath], reserved: str) -> dict[str, HidingModule]:
    """Finds modules that have the name of an installed one, or of one in the standard library.

    Args:
        modules: The paths of the project's modules in a package.
        reserved: A top-level name that no project may have.

    Returns:
        The modules that hide another, by top-level name.

    Raises:
        PackagingError: If one has the reserved name.
    """
    found = {}
    for name in sorted({path.parts[0].removesuffix(".py") for path in modules}):
        installed = f"our own package {name!r}" if name == reserved else find_installed(name)
        if installed is None:
            continue
        paths = [path for path in modules if path.parts[0].removesuffix(".py") == name]
        is_found_first = any(
            path in (PurePosixPath(f"{name}.py"), PurePosixPath(name, "__init__.py")) for path in paths
        )
        found[name] = HidingModule(min(paths), f"{name!r}, which is {installed}", is_found_first)
        if name == reserved:
            raise PackagingError(found[name].describe())
    return found
