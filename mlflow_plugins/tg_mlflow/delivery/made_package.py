"""A package that is made once and used several times."""

import copy
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from tg.common.delivery.delivery import Package, Packaging
from tg.common.delivery.sagemaker import SagemakerConfig


class MadePackaging(Packaging):
    """Describes a package that has been made; making it again copies it.

    Args:
        package: The package.
        payload: Its objects, by name.
        needed_modules: The project's modules that they need, by their paths in the package; none if unknown.
    """

    def __init__(
        self, package: Package, payload: dict[str, object], needed_modules: Mapping[PurePosixPath, Path] | None = None
    ) -> None:
        super().__init__(package.name, package.version, payload)
        self.silent = True
        self.needed_modules = dict(needed_modules or {})
        self.environment = package.properties.get("environment")
        self._package = package

    def get_properties(self) -> dict[str, str]:
        """Returns the package's own properties, such as the Python that it was made with."""
        return {name: str(self._package.properties[name]) for name in super().get_properties()}

    def make_package(self, folder: Path) -> Package:
        """Copies the package to ``folder``."""
        path = folder / self._package.path.name
        shutil.copyfile(self._package.path, path)
        return replace(self._package, path=path)


def make_once(deliveries: Sequence[SagemakerConfig], folder: Path) -> tuple[Package, list[SagemakerConfig]]:
    """Makes the package that deliveries share.

    Args:
        deliveries: One or more deliveries of one package.
        folder: Where the package is made; it has to stay there while the deliveries are used.

    Returns:
        The package, and deliveries that use it.

    Raises:
        PackagingError: If it cannot be made.
    """
    packaging = deliveries[0].packaging
    package = packaging.make_package(folder)
    made = MadePackaging(package, packaging.payload, packaging.needed_modules)
    containering = copy.copy(deliveries[0].containering)
    containering.packaging = made
    return package, [replace(each, packaging=made, containering=containering) for each in deliveries]
