"""Packages and images.

Names are imported when they are first used: a job needs the package that it is in, and not what built it or its image.
"""

from typing import TYPE_CHECKING

from ...lazy_names import lazy_names

# The room of each public name.
_HOMES = {
    "collect_project_files": ".code",
    "Containering": ".image",
    "ContainerPusher": ".image",
    "DependencyList": ".package",
    "DOCKERFILE_TEMPLATE": ".image",
    "EntryPoint": ".package",
    "Image": ".image",
    "ImageBuildOptions": ".image",
    "install_package_and_get_loader": ".package",
    "Package": ".package",
    "Packaging": ".package",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from .code import collect_project_files as collect_project_files
    from .image import DOCKERFILE_TEMPLATE as DOCKERFILE_TEMPLATE
    from .image import Containering as Containering
    from .image import ContainerPusher as ContainerPusher
    from .image import Image as Image
    from .image import ImageBuildOptions as ImageBuildOptions
    from .package import DependencyList as DependencyList
    from .package import EntryPoint as EntryPoint
    from .package import Package as Package
    from .package import Packaging as Packaging
    from .package import install_package_and_get_loader as install_package_and_get_loader
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
