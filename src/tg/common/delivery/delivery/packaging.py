"""What goes into a package: a name, a version, a payload and what these need."""

from collections.abc import Mapping
from typing import Any

from .dependency_list import DependencyList


class Packaging:
    """Describes a package.

    Args:
        name: The package's name; its module is called ``<name>__<version>``.
        version: Free text of letters, digits, dots and underscores.
        payload: Objects by name, to be pickled.

    Attributes:
        dependencies: What the package needs where it is installed.
        silent: Whether building it says nothing.
    """

    def __init__(self, name: str, version: str, payload: Mapping[str, Any]) -> None:
        self.name = name
        self.version = version
        self.payload = dict(payload)
        self.dependencies: list[DependencyList] = []
        self.silent = False
