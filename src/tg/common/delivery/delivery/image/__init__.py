"""Docker images of packages: how they are described, built, checked and pushed.

It has the only module that imports Docker's SDK, and knows neither jobs nor AWS."""

from .container_pusher import ContainerPusher
from .containering import Containering
from .dockerfile_template import DOCKERFILE_TEMPLATE
from .image import Image
from .image_options import ImageBuildOptions

__all__ = [
    "DOCKERFILE_TEMPLATE",
    "ContainerPusher",
    "Containering",
    "Image",
    "ImageBuildOptions",
]
