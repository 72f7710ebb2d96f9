"""Checks of a Docker daemon, for the places that build images or run containers."""

import platform
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from tg.common.delivery.delivery.image.docker_client import (
    DockerClient,
    connect,
    engine_errors,
    engine_platform,
    is_local,
    short_platform,
)
from tg.common.delivery.delivery.image.image_source import find_image
from tg.common.errors import ContainerError
from tg_mlflow.diagnosis.check import Check, Finding
from tg_mlflow.diagnosis.machine_checks import find_existing, find_space

_DAEMON = "Docker"
_REGISTRY_SECONDS = 20


def list_docker_checks(
    docker_host: str | None, base_image: str, platform: str | None = None, decides_use: bool = True
) -> Iterator[Check]:
    """Lists what a place needs of a Docker daemon.

    Args:
        docker_host: The daemon; ``None`` for that of ``DOCKER_HOST``, or else the local one.
        base_image: The image that others are built on.
        platform: The platform of these; ``None`` for the daemon's.
        decides_use: Whether a place without a daemon is just not used here.
    """
    daemon = _Daemon(docker_host, base_image, platform)
    remedy = "see whether `docker version` answers, and start Docker again if it does not"
    yield Check(_DAEMON, daemon.find_version, silence_remedy=remedy, decides_use=decides_use)
    yield Check("platform", daemon.find_platform, (_DAEMON,))
    yield Check("Docker's disk", daemon.find_space, (_DAEMON,))
    yield Check("base image", daemon.find_base_image, (_DAEMON,), _REGISTRY_SECONDS)


class _Daemon:
    """A daemon, to which the first check connects."""

    def __init__(self, docker_host: str | None, base_image: str, platform: str | None) -> None:
        self._docker_host = docker_host
        self._base_image = base_image
        self._platform = platform

    @cached_property
    def _client(self) -> DockerClient:
        return connect(self._docker_host)

    def find_version(self) -> Finding:
        with engine_errors(ContainerError, "the Docker daemon does not say what it is"):
            return Finding.ok(f"version {self._client.version()['Version']} at {self._client.base_url}")

    def find_platform(self) -> Finding:
        engine, here = engine_platform(self._client), short_platform(f"{sys.platform}/{platform.machine()}")
        if self._platform is not None and engine != self._platform:
            return Finding.warning(
                f"images are for {self._platform}, and the daemon's machine is {engine}: it builds them only if it can "
                "emulate the other one, and slowly",
                f"docker run --privileged --rm tonistiigi/binfmt --install {self._platform.partition('/')[2]}",
            )
        same = engine.partition("/")[2] == here.partition("/")[2]
        return Finding.ok(engine if same else f"{engine}; this machine is {here}")

    def find_space(self) -> Finding:
        if not is_local(self._client):
            return Finding.skipped("not checked, as the daemon is on another machine")
        with engine_errors(ContainerError, "the Docker daemon does not say where it keeps images"):
            folder = Path(self._client.info()["DockerRootDir"])
        if (existing := find_existing(folder)) is None or existing == Path("/") != folder:
            return Finding.skipped(f"not checked, as {str(folder)!r} cannot be seen from here")
        return find_space(f"images in {str(folder)!r}", existing, "remove what is not used, with `docker system prune`")

    def find_base_image(self) -> Finding:
        name = self._base_image
        if find_image(self._client, name) is not None:
            return Finding.ok(f"{name} is there")
        try:
            with engine_errors(ContainerError, f"{name} is not there, and its registry does not have it to give"):
                self._client.inspect_distribution(name)
        except ContainerError as error:
            return Finding.problem(str(error), f"see what `docker pull {name}` says, or set base_image to another one")
        return Finding.ok(f"{name} is in its registry; the first build pulls it")
