"""Checks a newly built image: whether everything its package needs can be imported."""

from ....errors import ContainerError, ImageBuildError
from ....logger import Logger
from ....system.interrupts import uninterrupted
from ..package.package_check import CHECK_ARGUMENT, FAILURE_PREFIX
from .docker_client import DockerClient, engine_errors, wait_for_exit
from .image import Image

_ASKING_SECONDS = 10
# The message where a processor is not emulated.
_OTHER_PROCESSOR = "exec format error"


def check_image(client: DockerClient, image: Image, has_gpus: bool = False) -> None:
    """Starts an image as a job does, only to import what the job needs.

    If the daemon cannot run it, such as an image for another processor, a warning is logged.

    Args:
        client: The Docker daemon.
        image: An image that starts a package's entry point.
        has_gpus: Whether it is for a machine with GPUs: an import that fails without them is only a warning then.

    Raises:
        ImageBuildError: If something is missing.
    """
    try:
        with engine_errors(ContainerError, f"image {image.reference!r} cannot be tried here"):
            request = {"Image": image.image_id, "Cmd": [CHECK_ARGUMENT], "NetworkDisabled": True}
            container = client.create_container_from_config(request)["Id"]
            try:
                client.start(container)
                while (state := client.inspect_container(container)["State"])["Running"]:
                    wait_for_exit(client, container, _ASKING_SECONDS)
                output = client.logs(container, stdout=True, stderr=True).decode(errors="replace")
            finally:
                with uninterrupted():
                    client.remove_container(container, force=True, v=True)
    except ContainerError as error:
        Logger.warning(error)
        return
    if state["ExitCode"] == 0:
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
