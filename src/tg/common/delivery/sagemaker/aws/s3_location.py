"""Locations in S3 and their content."""

import re
from dataclasses import dataclass
from typing import Any

from ....errors import DatasetError, DeliveryError, listed
from .errors import error_code
from .session import AwsSession

_MISSING = ("404", "NoSuchKey", "NoSuchBucket", "NotFound")


@dataclass(frozen=True)
class S3Location:
    """An object in S3, or all objects below a prefix.

    Attributes:
        bucket: The bucket.
        key: The object's key; a prefix ends with a slash.
    """

    bucket: str
    key: str

    @staticmethod
    def parse(uri: str) -> "S3Location":
        """Parses ``s3://bucket/key``.

        Raises:
            DeliveryError: If it is something else.
        """
        match = re.fullmatch(r"s3://([^/]+)/(.*)", uri)
        if match is None:
            raise DeliveryError(f"{uri!r} is no S3 URI; give one such as 's3://bucket/path'")
        return S3Location(match[1], match[2])

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def find_object(aws: AwsSession, location: S3Location) -> dict[str, Any] | None:
    """Returns S3's metadata of an object; ``None`` if there is none.

    Raises:
        DeliveryError: If access is denied.
    """
    return aws.call(f"{str(location)!r} cannot be looked at", lambda: head_object(aws, location))


def head_object(aws: AwsSession, location: S3Location) -> dict[str, Any] | None:
    """Returns S3's metadata of an object; ``None`` if there is none.

    Raises:
        botocore.exceptions.BotoCoreError: Like ClientError, for the caller to wait or to translate.
    """
    from botocore.exceptions import ClientError

    try:
        return dict(aws.client("s3").head_object(Bucket=location.bucket, Key=location.key))
    except ClientError as e:
        if error_code(e) in _MISSING:
            return None
        raise


def list_keys(aws: AwsSession, location: S3Location, most: int | None = None) -> list[str]:
    """Lists the keys below ``location``, all of them or the first ones; none if there is no such bucket."""
    return [each["Key"] for each in list_objects(aws, location, most)]


def list_objects(aws: AwsSession, location: S3Location, most: int | None = None) -> list[dict[str, Any]]:
    """Returns S3's metadata of the objects below ``location``, as :func:`list_keys` finds them."""
    return aws.call(f"{str(location)!r} cannot be listed", lambda: read_objects(aws, location, most))


def read_objects(aws: AwsSession, location: S3Location, most: int | None = None) -> list[dict[str, Any]]:
    """Returns what :func:`list_objects` does.

    Raises:
        botocore.exceptions.BotoCoreError: Like ClientError, for the caller to wait or to translate.
    """
    from botocore.exceptions import ClientError

    objects: list[dict[str, Any]] = []
    settings = {} if most is None else {"MaxItems": most, "PageSize": most}
    pages = aws.client("s3").get_paginator("list_objects_v2")
    try:
        for page in pages.paginate(Bucket=location.bucket, Prefix=location.key, PaginationConfig=settings):
            objects.extend(page.get("Contents", ()))
    except ClientError as e:
        if error_code(e) not in _MISSING:
            raise
    return objects


def find_bucket(aws: AwsSession, bucket: str) -> bool:
    """Returns whether there is such a bucket.

    Raises:
        DeliveryError: If access is denied, or it is not in the jobs' region.
    """
    from botocore.exceptions import ClientError

    def head() -> str | None:
        try:
            return str(aws.client("s3").head_bucket(Bucket=bucket).get("BucketRegion") or aws.region)
        except ClientError as e:
            if error_code(e) in _MISSING:
                return None
            raise

    region = aws.call(f"bucket {bucket!r} cannot be used", head)
    if region not in (None, aws.region):
        raise DeliveryError(
            f"bucket {bucket!r} is in {region}, and jobs run in {aws.region}; name a bucket there, or set region to "
            f"{region!r}"
        )
    return region is not None


def find_dataset_location(aws: AwsSession, location: S3Location) -> S3Location:
    """Determines whether a dataset is an object or a folder, whose location ends with a slash.

    Raises:
        DatasetError: If it is neither.
    """
    key = location.key.rstrip("/")
    if find_object(aws, S3Location(location.bucket, key)) is not None:
        return S3Location(location.bucket, key)
    folder = S3Location(location.bucket, f"{key}/")
    if list_keys(aws, folder, most=1):
        return folder
    parent = f"{key.rpartition('/')[0]}/"
    present = [each.removeprefix(parent) for each in list_keys(aws, S3Location(location.bucket, parent), most=20)]
    raise DatasetError(
        f"the dataset is not in S3: there is no {str(location)!r} ({parent!r} holds {listed(present)}); upload it with "
        "`tg-mlflow upload-dataset`, or `upload_dataset()` in Python, or correct dataset, project_name or bucket"
    )
