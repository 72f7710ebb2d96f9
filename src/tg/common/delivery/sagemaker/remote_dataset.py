"""What a job on SageMaker is trained on, as it lies in S3."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .aws_session import AwsSession
from .s3_location import S3Location, list_objects


@dataclass(frozen=True)
class RemoteDataset:
    """A dataset in S3.

    Attributes:
        uri: Its place; a folder's ends with a slash.
        digest: 32 hexadecimal characters, made of the names, sizes and ETags of its objects; ``None`` if there is
            nothing any more.
        size_bytes: How large its objects are together.
    """

    uri: str
    digest: str | None
    size_bytes: int


def find_remote_dataset(aws: AwsSession, uri: str) -> RemoteDataset:
    """Looks at a dataset without reading it.

    Raises:
        DeliveryError: If it may not be listed.
    """
    place = S3Location.parse(uri)
    listed = list_objects(aws, place)
    objects = [each for each in listed if place.key.endswith("/") or each["Key"] == place.key]
    return RemoteDataset(uri, _digest(place, objects), sum(each["Size"] for each in objects))


def _digest(place: S3Location, objects: Sequence[Mapping[str, Any]]) -> str | None:
    digest = hashlib.sha256()
    for each in sorted(objects, key=lambda each: str(each["Key"])):
        digest.update(f"{each['Key'].removeprefix(place.key)}\0{each['Size']}\0{each['ETag']}\0".encode())
    return digest.hexdigest()[:32] if objects else None
