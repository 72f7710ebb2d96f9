"""Lists and removes the named images that builds have made on this machine."""

from dataclasses import dataclass

from ....errors import ContainerError
from .docker_client import DockerClient, engine_errors
from .image_builder import BUILD_LABEL, remove_image


@dataclass(frozen=True)
class BuiltImage:
    """A name of an image that was built here.

    Attributes:
        name: The repository and the tag.
        created: When it was built, in seconds since 1970.
        size: The bytes of all its layers, also of those that it shares with others.
    """

    name: str
    created: int
    size: int


def list_built_images(client: DockerClient) -> list[BuiltImage]:
    """Lists the images that were built here and have names, the oldest first.

    Raises:
        ContainerError: If the daemon does not answer.
    """
    with engine_errors(ContainerError, "the images cannot be listed"):
        images = client.images(filters={"label": BUILD_LABEL})
    named = [
        BuiltImage(name, int(image["Created"]), int(image["Size"]))
        for image in images
        for name in image.get("RepoTags") or ()
        if name != "<none>:<none>"
    ]
    return sorted(named, key=lambda each: (each.created, each.name))


def remove_built_image(client: DockerClient, image: BuiltImage) -> bool:
    """Removes an image's name, and the image with its last one; returns whether no container needs it."""
    return remove_image(client, image.name)
