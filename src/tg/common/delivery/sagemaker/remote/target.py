"""Finds and checks what a job on SageMaker uses, before anything slow is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ....errors import DeliveryError
from ..aws.s3_location import S3Location, find_bucket, find_dataset_location
from ..aws.session import AwsSession
from ..executor.config import SagemakerConfig
from ..options.options import SagemakerOptions
from .sagemaker_defaults import check_instance_types, resolve_bucket, resolve_image, resolve_role
from .training_job import has_job
from .training_request import build_training_request

# A placeholder for the digest of an image that has yet to be built.
UNKNOWN_DIGEST = "sha256:" + "0" * 64


@dataclass(frozen=True)
class RemoteTarget:
    """The resources of a job.

    Attributes:
        role: Its role's ARN.
        bucket: The bucket of its results.
        dataset: Its dataset; a folder's key ends with a slash.
        ready_image: The ready-made image that it runs in; ``None`` if one is built.
        notes: Remarks for people.
    """

    role: str
    bucket: str
    dataset: S3Location | None
    ready_image: str | None
    notes: Sequence[str] = ()

    def build_request(self, config: SagemakerConfig, job_id: str, image: str, **details: Any) -> dict[str, Any]:
        """Builds the job's request; ``details`` are the remaining arguments of :func:`build_training_request`."""
        return build_training_request(
            job_id,
            config.options,
            role=self.role,
            bucket=self.bucket,
            image=image,
            resource=config.resource_name,
            metric_names=config.job.task.get_metric_names(),
            dataset=self.dataset,
            **details,
        )


def find_target(config: SagemakerConfig, aws: AwsSession, job_id: str, create: bool) -> RemoteTarget:
    """Finds and checks what a job uses, including its name.

    Args:
        config: The training.
        aws: The account.
        job_id: The job's name.
        create: Whether the default bucket is created if it is missing.

    Raises:
        DeliveryError: If region, credentials, role or bucket are missing, the machine is unknown, or the name is taken.
        DatasetError: If the dataset is not in S3.
    """
    target = find_common_target(config, aws, job_id, create)
    check_is_free(aws, job_id)
    return target


def find_common_target(config: SagemakerConfig, aws: AwsSession, job_id: str, create: bool) -> RemoteTarget:
    """As :func:`find_target` without the job's name: the part that jobs of the same options share."""
    options, remote = config.options, config.options.remote
    check_instance_types(aws, [remote.instance_type, *remote.fallback_instance_types])
    role = resolve_role(aws, options.role)
    ready_image = (
        None if remote.image_uri is None else resolve_image(remote.image_uri, aws.region, remote.instance_type)
    )
    # Check the limits now.
    draft = RemoteTarget(role, options.bucket or "default", None, ready_image)
    draft.build_request(config, job_id, ready_image or UNKNOWN_DIGEST)
    bucket, exists = find_own_bucket(options, aws, create)
    dataset = None
    if options.dataset is not None:
        dataset = find_dataset_location(aws, dataset_location(options, bucket))
    notes = () if exists else (f"the bucket {bucket!r} would be created",)
    return RemoteTarget(role, bucket, dataset, ready_image, notes)


def check_is_free(aws: AwsSession, job_id: str) -> None:
    """Checks that there is no job of this name.

    Raises:
        DeliveryError: If there is one, or that cannot be determined.
    """
    if aws.call(f"job {job_id!r} cannot be looked for", lambda: has_job(aws, job_id)):
        raise DeliveryError(f"there is a job {job_id!r} already; take another job_name, or leave it out")


def find_own_bucket(options: SagemakerOptions, aws: AwsSession, create: bool) -> tuple[str, bool]:
    """Finds the bucket of a job.

    Args:
        options: They name it, or use SageMaker's.
        aws: The account.
        create: Whether SageMaker's default bucket is created if it is missing.

    Returns:
        Its name, and whether it exists.

    Raises:
        DeliveryError: If access is denied, it is in another region, or it is missing and must not be created.
    """
    bucket = options.bucket or resolve_bucket(aws, create)
    try:
        exists = find_bucket(aws, bucket)
    except DeliveryError:
        _ = aws.account  # S3 does not say whether credentials are wrong or allow too little
        raise
    if not exists and (options.bucket is not None or create):
        raise DeliveryError(
            f"there is no bucket {bucket!r}; create it with `aws s3 mb s3://{bucket}`, correct bucket, or leave it "
            "out for SageMaker's default one"
        )
    return bucket, exists


def dataset_location(options: SagemakerOptions, bucket: str) -> S3Location:
    """Returns the conventional location of the dataset in a bucket."""
    return S3Location(bucket, f"sagemaker/{options.project_name}/datasets/{PurePosixPath(options.dataset or '')}")
