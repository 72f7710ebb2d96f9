"""The options of a training on SageMaker: machines, limits, network, keys."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ....errors import DeliveryError, listed, suggestion
from ..naming.job_name import JOB_NAME

_LONGEST_RUN_SECONDS = 28 * 86_400
_LONGEST_WARM_SECONDS = 21_600
_IMAGE_KEYS = ("framework", "version", "py_version", "image_scope", "instance_type", "container_version")


@dataclass(frozen=True)
class VpcOptions:
    """The VPC in which a job on SageMaker runs.

    Attributes:
        subnets: Ids of 1 to 16 subnets.
        security_group_ids: Ids of 1 to 5 security groups.

    Raises:
        DeliveryError: If there are none, or too many.
    """

    subnets: Sequence[str]
    security_group_ids: Sequence[str]

    def __post_init__(self) -> None:
        for name, most in (("subnets", 16), ("security_group_ids", 5)):
            given = getattr(self, name)
            if isinstance(given, str) or not 1 <= len(given) <= most:
                raise DeliveryError(f"vpc.{name} is {given!r}; give a list of 1 to {most} ids")
            object.__setattr__(self, name, tuple(given))


@dataclass(frozen=True)
class RemoteOptions:
    """The options of a training on SageMaker that other places do not have.

    The configuration's keys and their reference are derived from these fields and their descriptions.

    Attributes:
        region: The AWS region; by default that of the profile or of ``AWS_DEFAULT_REGION``.
        profile: A profile of AWS's configuration files; by default that of ``AWS_PROFILE`` or the SDK's.
        instance_type: The machine.
        instance_count: How many machines train together.
        volume_gb: The size of each machine's disk.
        max_run_seconds: How long the training may take, 28 days at most.
        max_wait_seconds: With ``spot``, how long the job may wait for machines and run on them together; by default
            twice ``max_run_seconds``.
        spot: Whether to use spot instances, which are cheaper and may be reclaimed.
        checkpoints: Whether to copy ``/opt/ml/checkpoints`` to S3 while the job runs; an ``s3://…`` address names the
            target.
        vpc: The VPC in which the job runs, as ``{"subnets": […], "security_group_ids": […]}``; by default SageMaker's
            network.
        network_isolation: Whether the container has no network.
        encrypt_inter_container_traffic: Whether to encrypt the traffic between several machines.
        kms_key: The KMS key for uploads, output and disks; by default S3's and SageMaker's own.
        keep_alive_seconds: How long the machines wait for another job (a warm pool), 6 hours at most; by default not at
            all.
        retry_attempts: How often SageMaker retries after an internal error, 1 to 30; by default not at all.
        tags: Tags of the job, for people and bills. Never secrets.
        job_name: The job's name, at most 63 letters, digits and hyphens; by default built from the project's and the
            task's name (or the package's), the time and a unique part.
        image_uri: A ready-made image: nothing is built, no Docker is needed, and the package travels through S3. Its
            name in a registry, or ``{"framework": "sklearn", "version": "1.4-2"}`` for one of AWS's.
        image_repository: Where built images are pushed, such as ``registry.example/team/titanic``; by default a
            repository in ECR with the project's name.
        metrics_from: Whose metrics count where several machines train: ``leader`` or ``all``.
        queue_seconds: How long a job waits to be accepted while a quota is exhausted.
        fallback_instance_types: Machines to try in turn while AWS has no capacity for the given one.

    Raises:
        DeliveryError: If a value is invalid.
    """

    region: str | None = None
    profile: str | None = None
    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    volume_gb: int = 30
    max_run_seconds: int = 86_400
    max_wait_seconds: int | None = None
    spot: bool = False
    checkpoints: bool | str = False
    vpc: VpcOptions | None = None
    network_isolation: bool = False
    encrypt_inter_container_traffic: bool = False
    kms_key: str | None = None
    keep_alive_seconds: int | None = None
    retry_attempts: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    job_name: str | None = None
    image_uri: str | Mapping[str, str] | None = None
    image_repository: str | None = None
    metrics_from: str = "leader"
    queue_seconds: float = 3600
    fallback_instance_types: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "fallback_instance_types", tuple(self.fallback_instance_types))
        for each in (self.instance_type, *self.fallback_instance_types):
            if not re.fullmatch(r"ml\.[a-z0-9-]+\.[a-z0-9]+", each):
                raise DeliveryError(f"instance_type is {each!r}; give one such as 'ml.m5.large'")
        self._check_range("instance_count", 1, None)
        self._check_range("volume_gb", 1, 16_384)
        self._check_range("max_run_seconds", 1, _LONGEST_RUN_SECONDS)
        self._check_range("keep_alive_seconds", 1, _LONGEST_WARM_SECONDS)
        self._check_range("retry_attempts", 1, 30)
        self._check_range("queue_seconds", 0, None)
        self._check_spot()
        self._check_image()
        if isinstance(self.checkpoints, str) and not re.fullmatch(r"s3://[^/]+/.+", self.checkpoints):
            raise DeliveryError(
                f"checkpoints is {self.checkpoints!r}; give true, or an address such as 's3://bucket/path'"
            )
        if self.job_name is not None and not JOB_NAME.fullmatch(self.job_name):
            raise DeliveryError(
                f"job_name is {self.job_name!r}; give at most 63 letters, digits and hyphens, no hyphen first or last"
            )
        if self.metrics_from not in ("leader", "all"):
            raise DeliveryError(f"metrics_from is {self.metrics_from!r}; give 'leader' or 'all'")

    def _check_range(self, name: str, least: int, most: int | None) -> None:
        value: Any = getattr(self, name)
        if value is not None and (isinstance(value, bool) or value < least or (most is not None and value > most)):
            raise DeliveryError(f"{name} is {value!r}; give {least} or more" + (f", at most {most}" if most else ""))

    def _check_spot(self) -> None:
        if self.max_wait_seconds is not None:
            if not self.spot:
                raise DeliveryError(f"max_wait_seconds is {self.max_wait_seconds!r} without spot; leave it out")
            if self.max_wait_seconds < self.max_run_seconds:
                raise DeliveryError(
                    f"max_wait_seconds is {self.max_wait_seconds}, less than max_run_seconds, {self.max_run_seconds}; "
                    "it is the time for waiting and running together"
                )
        if self.spot and self.keep_alive_seconds is not None:
            raise DeliveryError(
                f"keep_alive_seconds is {self.keep_alive_seconds} with spot; spare machines are not kept: leave one out"
            )

    def _check_image(self) -> None:
        if self.image_uri is None:
            return
        if self.image_repository is not None:
            raise DeliveryError(
                f"image_repository is {self.image_repository!r} with image_uri; nothing is built then, so leave one out"
            )
        if isinstance(self.image_uri, str):
            if not re.fullmatch(r"\S{1,255}", self.image_uri):
                raise DeliveryError(f"image_uri is {self.image_uri!r}; give an image's name, of at most 255 characters")
            return
        for key in self.image_uri:
            if key not in _IMAGE_KEYS:
                raise DeliveryError(f"image_uri has {key!r}; {suggestion(key, _IMAGE_KEYS)}")
        if "framework" not in self.image_uri:
            raise DeliveryError(f"image_uri has no 'framework'; give some of {listed(_IMAGE_KEYS)}")
