"""Removes what builds whose process was killed have left: unnamed images, and containers that never became one."""

import time

from ....errors import ContainerError
from ....system.process_mark import is_gone
from .code_layer import LAYER_CONTAINER, remove_layer_container
from .docker_client import DockerClient, engine_errors
from .image_builder import BUILD_LABEL, BUILDER_LABEL, remove_image

# No build takes so long: what is older belongs to none that goes on, on whichever machine.
_OLD_SECONDS = 24 * 3600


def remove_left_images(client: DockerClient) -> int:
    """Removes what builds have left whose process on this machine is gone, or that are more than a day old.

    What other images or containers need stays.

    Returns:
        How many images it has removed.

    Raises:
        ContainerError: If the daemon does not answer.
    """
    with engine_errors(ContainerError, "what builds have left cannot be listed"):
        for each in client.containers(all=True, filters={"name": f"^/{LAYER_CONTAINER}"}):
            if _is_left(each["Created"], each.get("Labels") or {}):
                remove_layer_container(client, each["Id"])
        images = client.images(filters={"dangling": True, "label": BUILD_LABEL})
        left = [each for each in images if _is_left(each["Created"], each.get("Labels") or {})]
        return sum(remove_image(client, each["Id"]) for each in left)


def _is_left(created: int, labels: dict[str, str]) -> bool:
    return is_gone(labels.get(BUILDER_LABEL, "")) or time.time() - created > _OLD_SECONDS
