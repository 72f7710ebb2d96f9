"""Tries an image that was built here: whether all can be imported that its package needs."""

from ....errors import ContainerError, ImageBuildError
from ....logger import Logger
from ....system.interrupts import uninterrupted
from ..package.package_check import CHECK_ARGUMENT, FAILURE_PREFIX
from .docker_client import DockerClient, engine_errors
from .image import Image

# What is written where a processor is not emulated.
_OTHER_PROCESSOR = "exec format error"


def check_image(client: DockerClient, image: Image, has_gpus: bool = False) -> None:
    """Starts an image as its job is started, only to import what the job needs.

    Where the daemon cannot run it, such as an image for another processor, a warning says so.

    Args:
        client: The Docker daemon.
        image: It starts a package's entry point.
        has_gpus: Whether it is made for a machine with GPUs: what cannot be imported without them is a warning then.

    Raises:
        ImageBuildError: If something is missing in it.
    """
    try:
        with engine_errors(ContainerError, f"image {image.reference!r} cannot be tried here"):
            request = {"Image": image.image_id, "Cmd": [CHECK_ARGUMENT], "NetworkDisabled": True}
            container = client.create_container_from_config(request)["Id"]
            try:
                client.start(container)
                code = client.wait(container)["StatusCode"]
                output = client.logs(container, stdout=True, stderr=True).decode(errors="replace")
            finally:
                with uninterrupted():
                    client.remove_container(container, force=True, v=True)
    except ContainerError as error:
        Logger.warning(error)
        return
    if code == 0:
        return
    if _OTHER_PROCESSOR in output.lower():
        Logger.warning(f"image {image.reference!r} cannot be tried here: it is made for another processor")
        return
    message = f"image {image.reference!r} cannot run this training: {_find_reason(output)}"
    if not has_gpus:
        raise ImageBuildError(message)
    Logger.warning(f"{message} (tried on this machine, without GPUs)")


def _find_reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    reasons = [line.partition(FAILURE_PREFIX)[2] for line in lines if FAILURE_PREFIX in line]
    return (reasons or lines or ["it says nothing"])[-1]
