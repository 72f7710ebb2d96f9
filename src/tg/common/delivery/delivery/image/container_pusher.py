"""Pushes an image to a registry."""

from collections.abc import Iterable, Mapping
from typing import Any

from ....errors import ContainerError, ImageBuildError
from ....logger import Logger
from .docker_client import DockerClient, ObjectMissingError, connect, engine_errors, first_line
from .image import Image
from .image_options import redact


class ContainerPusher:
    """Pushes images to one repository of a registry.

    Args:
        repository: The registry's address and the repository, such as ``registry.example:5000/team/titanic``.
        username: The user; ``None`` for the credentials of ``docker login``, if any.
        password: The password or token.
        client: The Docker daemon that has the images; by default that of ``DOCKER_HOST``, or else the local one.

    Raises:
        ImageBuildError: If only one of username and password is given.
    """

    def __init__(
        self,
        repository: str,
        username: str | None = None,
        password: str | None = None,
        client: DockerClient | None = None,
    ) -> None:
        if (username is None) != (password is None):
            raise ImageBuildError(f"give both username and password for {repository!r}, or neither")
        self.repository = repository
        self._login = None if username is None else {"username": username, "password": password or ""}
        self._secrets = tuple(text for text in (password,) if text)
        self._client = client

    def push(self, image: Image | str, tag: str | None = None) -> str:
        """Pushes an image and verifies that the registry has it.

        Args:
            image: The image, or its name here.
            tag: Its tag in the registry; by default its tag here.

        Returns:
            The reference of exactly this image, ``<repository>@sha256:…``.

        Raises:
            ImageBuildError: If there is no such image here, or the registry refuses it.
            ContainerError: If the daemon cannot be reached.
        """
        if self._client is None:
            self._client = connect()
        client = self._client
        source = image.image_id if isinstance(image, Image) else image
        tag = tag or _tag_of(str(image))
        target = f"{self.repository}:{tag}"
        what = f"image {str(image)!r} cannot be pushed to {target!r}"
        try:
            with engine_errors(ContainerError, what):
                client.tag(source, self.repository, tag)
        except ObjectMissingError as e:
            raise ImageBuildError(f"image {str(image)!r} is not here; make it before it is pushed") from e
        Logger.info(f"Pushing {image} to {target}")
        with engine_errors(ImageBuildError, what):
            events = client.push(self.repository, tag, stream=True, decode=True, auth_config=self._login)
            digest = self._follow(events, what)
        with engine_errors(ImageBuildError, f"{target!r} was pushed, but the registry does not show it"):
            stored = client.inspect_distribution(target, auth_config=self._login)["Descriptor"]["digest"]
        if stored != digest:
            raise ImageBuildError(f"{target!r} was pushed as {digest}, but the registry has {stored}; push it again")
        Logger.info(f"Pushed {image} as {self.repository}@{digest}")
        return f"{self.repository}@{digest}"

    def _follow(self, events: Iterable[Mapping[str, Any]], what: str) -> str:
        digest = ""
        for event in events:
            if "error" in event:
                reason = redact(first_line(str(event["error"])), self._secrets)
                login = "; give a username and a password that may push there" if _is_login_wanted(reason) else ""
                raise ImageBuildError(f"{what}: {reason}{login}")
            digest = (event.get("aux") or {}).get("Digest", digest)
        if not digest:
            raise ImageBuildError(f"{what}: the daemon reports no digest")
        return digest


def _is_login_wanted(reason: str) -> bool:
    return any(words in reason for words in ("unauthorized", "denied", "no basic auth credentials"))


def _tag_of(reference: str) -> str:
    name = reference.rpartition("/")[2].partition("@")[0]
    return name.partition(":")[2] or "latest"
