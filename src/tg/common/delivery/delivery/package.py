"""A built package."""

from dataclasses import dataclass
from pathlib import Path


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
        requirements: What it needs where it is installed, in pip's notation, sorted.
    """

    path: Path
    name: str
    version: str
    module_name: str
    sha256: str
    requirements: tuple[str, ...] = ()

    @property
    def folder_name(self) -> str:
        """The folder that the file holds."""
        return f"{self.name}-{self.version}"
