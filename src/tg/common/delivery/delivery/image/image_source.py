"""Finds a base image: here, or else in a registry."""

from contextlib import closing
from functools import partial
from typing import Any

from ....errors import ContainerError, ImageBuildError
from ....system.waits import waiting_for
from .docker_client import DockerClient, ObjectMissingError, engine_errors, engine_platform, first_line, short_platform
from .image_builder import Say
from .silence import Silence
from .watched_stream import read_watched


def find_image(client: DockerClient, reference: str) -> dict[str, Any] | None:
    """Returns the daemon's description of an image; ``None`` if it has no such image."""
    try:
        with engine_errors(ContainerError, f"image {reference!r} cannot be looked at"):
            found: dict[str, Any] = client.inspect_image(reference)
            return found
    except ObjectMissingError:
        return None


def image_platform(image: dict[str, Any]) -> str:
    """Returns an image's platform, such as ``linux/amd64``."""
    return short_platform(f"{image['Os']}/{image['Architecture']}")


def find_or_pull_image(
    client: DockerClient, reference: str, platform: str | None, what: str, say: Say
) -> dict[str, Any]:
    """Finds an image here, or else pulls it.

    Args:
        client: The daemon.
        reference: The image's name.
        platform: The required platform; ``None`` for the daemon's.
        what: The image's role in messages, such as ``base image``.
        say: Called with progress messages.

    Raises:
        ImageBuildError: If it cannot be pulled, or is for another platform.
    """
    image = find_image(client, reference)
    wanted = short_platform(platform) if platform else engine_platform(client)
    trouble = ""
    if image is None or (platform and image_platform(image) != wanted):
        say(f"Pulling {reference}")
        with waiting_for(f"the pull of {what} {reference}"):
            trouble = _pull(client, reference, platform)
        image = find_image(client, reference) or image
    if image is None:
        raise ImageBuildError(
            f"{what} {reference!r} is not here and cannot be pulled ({trouble}); check its name and the network, "
            "or name another one"
        )
    if image_platform(image) != wanted:
        found = image_platform(image)
        also = f", and it cannot be pulled for that ({trouble})" if trouble else ""
        raise ImageBuildError(
            f"{what} {reference!r} is made for {found}, not for {wanted}{also}; name one that is made for {wanted}"
        )
    return image


def _pull(client: DockerClient, reference: str, platform: str | None) -> str:
    """Pulls an image; returns why it cannot be pulled, or an empty string."""
    try:
        with engine_errors(ImageBuildError, "pull"):
            begin = partial(client.pull, reference, stream=True, decode=True, platform=platform)
            silence = Silence(f"image {reference!r} cannot be pulled")
            with closing(read_watched(begin, silence.look)) as events:
                for event in events:
                    if "error" in event:
                        return first_line(str(event["error"]))
    except ImageBuildError as e:
        return str(e).removeprefix("pull: ")
    return ""
