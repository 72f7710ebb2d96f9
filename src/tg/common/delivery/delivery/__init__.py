"""Packages and images."""

from .container_pusher import ContainerPusher
from .containering import Containering
from .dependency_list import DependencyList
from .entry_point import EntryPoint, install_package_and_get_loader
from .image import Image
from .image_options import ImageBuildOptions
from .interrupts import terminating_as_interrupt, uninterrupted
from .package import Package
from .packaging import Packaging
from .project_files import collect_project_files
from .temporary_folder import temporary_folder

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
