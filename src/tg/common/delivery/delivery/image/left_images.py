"""Removes the unnamed images of builds that were cut short."""

import calendar
import time
from datetime import datetime

from ....errors import ContainerError
from .docker_client import DockerClient, engine_errors
from .image_builder import BUILD_LABEL, remove_image

# No build takes so long: what is older belongs to none that goes on, on whichever machine.
_OLD_SECONDS = 24 * 3600


def remove_left_images(client: DockerClient) -> int:
    """Removes unnamed images that builds have left more than a day ago, unless something needs them.

    Returns:
        How many it has removed.

    Raises:
        ContainerError: If the daemon does not answer.
    """
    with engine_errors(ContainerError, "what builds have left cannot be listed"):
        images = client.images(filters={"dangling": True, "label": BUILD_LABEL})
        return sum(remove_image(client, each["Id"]) for each in images if _is_old(each["Created"]))


def _is_old(created: int | str) -> bool:
    if isinstance(created, str):
        created = calendar.timegm(datetime.fromisoformat(created[:19]).timetuple())
    return time.time() - created > _OLD_SECONDS
