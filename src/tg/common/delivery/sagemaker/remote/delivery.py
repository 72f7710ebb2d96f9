"""Delivers a training to AWS: finds what it uses there, and pushes its image or uploads its package."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ....system.temporary_folder import temporary_folder
from ...delivery.image.docker_client import DockerClient
from ...delivery.package.package import Package
from ..aws.ecr_repository import RegistryLogin, build_repository_name, deliver_image, open_repository
from ..aws.s3_location import S3Location
from ..aws.s3_upload import Upload, upload_files
from ..aws.session import AwsSession
from ..executor.config import SagemakerConfig
from .code_channel import build_code_location, build_entrypoint, plan_code_upload
from .dataset import locate_channels
from .sagemaker_defaults import ROLE_VARIABLE
from .shared_account import SharedAccount
from .target import UNKNOWN_DIGEST, RemoteTarget, find_common_target


@dataclass(frozen=True)
class Delivery:
    """The location of a training's code.

    Attributes:
        image: The image's name.
        code: The package's location, if it is not in the image.
        entrypoint: The command that starts the package then.
        channels: What is in further input channels.
        made_from: The objects that it was made from.
    """

    image: str
    code: S3Location | None = None
    entrypoint: Sequence[str] = ()
    channels: Mapping[str, S3Location] = field(default_factory=dict)
    made_from: tuple[Any, ...] = ()

    @property
    def details(self) -> dict[str, Any]:
        """The arguments that it has for :meth:`RemoteTarget.build_request`."""
        return {"code": self.code, "entrypoint": self.entrypoint, "channels": self.channels}


class RemoteDelivery:
    """Delivers the code of one training.

    Args:
        config: The training.
        aws: The account.
        connect: Connects to the Docker daemon of a host, as :func:`docker_client.connect` does.
        shared: Caches what other jobs have found, built or sent; ``None`` to do it each time.
    """

    def __init__(
        self,
        config: SagemakerConfig,
        aws: AwsSession,
        connect: Callable[[str | None], DockerClient],
        shared: SharedAccount | None,
    ) -> None:
        self._config = config
        self._aws = aws
        self._connect = connect
        self._shared = shared

    @property
    def repository_name(self) -> str:
        """The repository to which images are pushed."""
        repository = self._config.options.remote.image_repository
        name = build_repository_name(self._config.options.project_name)
        return repository or f"{self._aws.account}.dkr.ecr.{self._aws.region}.amazonaws.com/{name}"

    def find_target(self, job_id: str) -> RemoteTarget:
        """Finds and checks what a job uses, except its name.

        Raises:
            DeliveryError: As :func:`find_common_target` does.
        """

        def find() -> RemoteTarget:
            return find_common_target(self._config, self._aws, job_id, create=True)

        if self._shared is None:
            return find()
        options, remote = self._config.options, self._config.options.remote
        types = (remote.instance_type, *remote.fallback_instance_types)
        key = (options.role, os.environ.get(ROLE_VARIABLE), options.bucket, options.project_name, options.dataset)
        target = self._shared.once(("target", *map(str, key), types, str(remote.image_uri)), find)
        # Check the limits now.
        target.build_request(self._config, job_id, target.ready_image or UNKNOWN_DIGEST)
        return target

    def deliver(self, target: RemoteTarget) -> Delivery:
        """Delivers the code to AWS, unless it is there.

        Raises:
            DeliveryError: If it cannot be built or sent.
        """
        if self._shared is None:
            return self._deliver(target)
        options, remote = self._config.options, self._config.options.remote
        # The delivery keeps these objects alive, so that no others get their ids.
        made_from = (id(self._config.packaging), id(self._config.containering), target.ready_image)
        destination = (
            target.bucket,
            options.project_name,
            remote.image_repository,
            remote.kms_key,
            options.docker_host,
        )
        return self._shared.once(("delivery", *made_from, *destination), lambda: self._deliver(target))

    def plan_code(self, target: RemoteTarget, package: Package) -> tuple[S3Location, list[Upload]]:
        """Returns the location of a package that is not in the image, and its uploads."""
        location = build_code_location(target.bucket, self._config.options.project_name, package)
        return location, plan_code_upload(package, location)

    def _deliver(self, target: RemoteTarget) -> Delivery:
        packaging, containering = self._config.packaging, self._config.containering
        channels = self._send_channels(target)
        with temporary_folder() as folder:
            if target.ready_image is None:
                client, login = self._connect(self._config.options.docker_host), self._open_repository()
                image = deliver_image(client, containering, packaging.make_package(folder), login)
                return Delivery(image, channels=channels, made_from=(packaging, containering))
            location = self._upload(target, packaging.make_package(folder))
            return Delivery(target.ready_image, location, build_entrypoint(), channels, (packaging, containering))

    def _send_channels(self, target: RemoteTarget) -> Mapping[str, S3Location]:
        options = self._config.options
        located = locate_channels(options, target.bucket)
        for each in located.values():
            upload_files(self._aws, each.uploads, options.remote.kms_key, silent=True)
        return {name: each.location for name, each in located.items()}

    def _upload(self, target: RemoteTarget, package: Package) -> S3Location:
        kms_key = self._config.options.remote.kms_key
        location, uploads = self.plan_code(target, package)

        def upload() -> S3Location:
            upload_files(self._aws, uploads, kms_key, silent=True)
            return location

        return upload() if self._shared is None else self._shared.once(("package", str(location), kms_key), upload)

    def _open_repository(self) -> RegistryLogin:
        repository = self._config.options.remote.image_repository
        if repository is not None:
            return RegistryLogin(repository)
        return open_repository(self._aws, build_repository_name(self._config.options.project_name))
