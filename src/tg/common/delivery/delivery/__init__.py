"""Packages and images."""

from ...system.interrupts import terminating_as_interrupt, uninterrupted
from ...system.temporary_folder import temporary_folder
from .code.project_files import collect_project_files
from .image.container_pusher import ContainerPusher
from .image.containering import Containering
from .image.image import Image
from .image.image_options import ImageBuildOptions
from .package.dependency_list import DependencyList
from .package.entry_point import EntryPoint, install_package_and_get_loader
from .package.package import Package
from .package.packaging import Packaging

__all__ = [
    "ContainerPusher",
    "Containering",
    "DependencyList",
    "EntryPoint",
    "Image",
    "ImageBuildOptions",
    "Package",
    "Packaging",
    "collect_project_files",
    "install_package_and_get_loader",
    "temporary_folder",
    "terminating_as_interrupt",
    "uninterrupted",
]
