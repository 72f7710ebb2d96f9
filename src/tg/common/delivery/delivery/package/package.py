"""A built package."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .pickling import rename_prefix


@dataclass(frozen=True)
class Package:
    """A package on disk: ``<name>-<version>.tar.gz``, a source distribution that pip can install.

    The file holds one folder, ``<name>-<version>/``; put on the Python path, it provides the module ``module_name``.

    Attributes:
        path: The file.
        name: The package's name.
        version: Its version.
        module_name: Its top module, ``<name>__<version>``.
        sha256: The hexadecimal digest of the file; the same source gives the same digest.
        modules: The top-level names of the project's modules in it.
        requirements: What it needs where it is installed, in pip's notation, sorted.
        properties: Its ``properties.json``.
    """

    path: Path
    name: str
    version: str
    module_name: str
    sha256: str
    modules: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)

    def rename(self, module: str) -> str:
        """Returns the name of a module in this package; a module that is not in it keeps its own."""
        return rename_prefix(module, {name: f"{self.module_name}.{name}" for name in ("tg", *self.modules)})

    @property
    def folder_name(self) -> str:
        """The folder in the file."""
        return f"{self.name}-{self.version}"
