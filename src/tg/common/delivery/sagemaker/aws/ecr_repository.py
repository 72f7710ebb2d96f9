"""Pushes images for SageMaker to a repository in ECR or in any other registry."""

import base64
import copy
import hashlib
import json
import re
from dataclasses import dataclass

from ....errors import ContainerError, DeliveryError, ImageBuildError
from ....logger import Logger
from ....system.waits import waiting_for
from ...delivery.image.container_pusher import ContainerPusher
from ...delivery.image.containering import Containering
from ...delivery.image.docker_client import DockerClient, ObjectMissingError, engine_errors
from ...delivery.image.dockerfile_template import DOCKERFILE_TEMPLATE
from ...delivery.image.image import Image
from ...delivery.image.image_builder import remove_image
from ...delivery.image.image_check import check_image
from ...delivery.image.image_source import find_image
from ...delivery.package.package import Package
from .errors import error_code
from .session import AwsSession

PLATFORM = "linux/amd64"

# The labels that identify an image's content, wherever it was built.
_IDENTITY = ("tg-mlflow.package-sha256", "tg-mlflow.dependencies", "tg-mlflow.template-sha256")


@dataclass(frozen=True)
class RegistryLogin:
    """A repository and the credentials to push to it.

    Attributes:
        repository: The registry's address and the repository.
        username: ``None`` for the credentials of ``docker login``.
        password: ``None`` likewise; never shown.
    """

    repository: str
    username: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"RegistryLogin({self.repository!r})"


def build_repository_name(project_name: str) -> str:
    """Converts a project's name to one that ECR accepts: lower-case letters, digits and single separators."""
    name = re.sub(r"[^a-z0-9]+", "-", project_name.lower()).strip("-")
    return f"tg-mlflow/{name or 'project'}"


def open_repository(aws: AwsSession, name: str) -> RegistryLogin:
    """Finds or creates a repository in ECR, and gets a token for it, which is valid for twelve hours.

    Raises:
        DeliveryError: If AWS does not do it.
    """
    uri = aws.call(f"the ECR repository {name!r} cannot be used", lambda: _find_or_create(aws, name))
    answer = aws.call(
        f"the ECR repository {name!r} gives no token", lambda: aws.client("ecr").get_authorization_token()
    )
    token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode()
    username, _, password = token.partition(":")
    return RegistryLogin(uri, username, password)


def _find_or_create(aws: AwsSession, name: str) -> str:
    from botocore.exceptions import ClientError

    client = aws.client("ecr")
    try:
        found = client.describe_repositories(repositoryNames=[name])["repositories"][0]
    except ClientError as e:
        if error_code(e) != "RepositoryNotFoundException":
            raise
        try:
            found = client.create_repository(repositoryName=name)["repository"]
            Logger.info(f"Created the ECR repository {name}")
        except ClientError as created:
            if error_code(created) != "RepositoryAlreadyExistsException":
                raise
            found = client.describe_repositories(repositoryNames=[name])["repositories"][0]
    return str(found["repositoryUri"])


def deliver_image(client: DockerClient, containering: Containering, package: Package, login: RegistryLogin) -> str:
    """Builds a training's image and pushes it to a registry, unless it is there.

    Args:
        client: The Docker daemon.
        containering: How the image is built; without a platform, it is built for SageMaker's machines.
        package: Its package.
        login: The repository.

    Returns:
        The reference of exactly this image, ``<repository>@sha256:…``.

    Raises:
        ImageBuildError: If it cannot be built or pushed, or lacks what its package needs.
        ContainerError: If the daemon cannot be reached.
    """
    containering = copy.copy(containering)
    containering.platform = containering.platform or PLATFORM
    image = containering.make_container(package, client)
    tag = _build_tag(client, image, package)
    if (digest := _find_digest(client, login, tag)) is not None:
        Logger.info(f"{login.repository}:{tag} is there already; nothing is pushed")
        return f"{login.repository}@{digest}"
    # An image with another template may start something else, which might train.
    if containering.image_uri is None and containering.dockerfile_template == DOCKERFILE_TEMPLATE:
        check_image(client, image, containering.has_gpus)
    try:
        with waiting_for(f"the push of its image to {login.repository}"):
            return ContainerPusher(login.repository, login.username, login.password, client).push(image, tag)
    finally:
        # The image's name for the registry; otherwise images of old packages would stay for ever.
        remove_image(client, f"{login.repository}:{tag}")


def _build_tag(client: DockerClient, image: Image, package: Package) -> str:
    found = find_image(client, image.image_id)
    if found is None:
        raise ImageBuildError(f"image {image.reference!r} is gone; do not remove images while one is delivered")
    labels = found["Config"].get("Labels") or {}
    if labels.get(_IDENTITY[0]) != package.sha256:
        return f"image-{image.image_id.removeprefix('sha256:')[:24]}"
    identity = json.dumps([labels.get(name) for name in _IDENTITY])
    return f"{package.sha256[:16]}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def _find_digest(client: DockerClient, login: RegistryLogin, tag: str) -> str | None:
    config = None if login.username is None else {"username": login.username, "password": login.password or ""}
    try:
        with engine_errors(ContainerError, f"the registry of {login.repository!r} cannot be asked"):
            found = client.inspect_distribution(f"{login.repository}:{tag}", auth_config=config)
            return str(found["Descriptor"]["digest"])
    except ObjectMissingError:
        return None
    except DeliveryError:
        return None  # registries report a missing image in many ways; other problems show when it is pushed
