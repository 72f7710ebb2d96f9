"""A package: building it from code and objects, and loading it where it runs.

It knows neither images nor jobs. A job loads its package, so what builds one is imported only where a package is built.
"""

from typing import TYPE_CHECKING

from ....lazy_names import lazy_names

_HOMES = {
    "DependencyList": ".dependency_list",
    "EntryPoint": ".entry_point",
    "install_package_and_get_loader": ".entry_point",
    "Package": ".package",
    "Packaging": ".packaging",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from .dependency_list import DependencyList as DependencyList
    from .entry_point import EntryPoint as EntryPoint
    from .entry_point import install_package_and_get_loader as install_package_and_get_loader
    from .package import Package as Package
    from .packaging import Packaging as Packaging
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
