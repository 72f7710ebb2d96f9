"""The dataset of a job on SageMaker, in S3."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ..aws.s3_location import S3Location, read_objects
from ..aws.session import AwsSession
from ..executor.stored_dataset import StoredDataset


def find_remote_dataset(aws: AwsSession, job_id: str, uri: str) -> StoredDataset:
    """Describes a job's dataset without reading it.

    Raises:
        JobUnreachableError: If S3 is away for too long.
        DeliveryError: If listing it is denied.
    """
    location = S3Location.parse(uri)
    listed = aws.follow(job_id, lambda: read_objects(aws, location), waits_for_permission=False)
    objects = [each for each in listed if location.key.endswith("/") or each["Key"] == location.key]
    return StoredDataset(uri, _digest(location, objects), sum(each["Size"] for each in objects))


def _digest(location: S3Location, objects: Sequence[Mapping[str, Any]]) -> str | None:
    digest = hashlib.sha256()
    for each in sorted(objects, key=lambda each: str(each["Key"])):
        digest.update(f"{each['Key'].removeprefix(location.key)}\0{each['Size']}\0{each['ETag']}\0".encode())
    return digest.hexdigest()[:32] if objects else None
