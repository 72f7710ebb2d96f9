"""A training's data in S3, the dataset and what is in other channels: uploaded, and found there."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import DatasetError
from ....system.file_digest import digest_files
from ..aws.s3_location import S3Location, read_objects
from ..aws.s3_upload import (
    MissingUpload,
    Upload,
    find_missing,
    plan_dataset_upload,
    send_files,
    warn_of_others,
)
from ..aws.session import AwsSession
from ..executor.stored_dataset import StoredDataset
from ..options.options import SagemakerOptions
from .target import dataset_location, find_own_bucket

_DIGITS = 32


@dataclass(frozen=True)
class DatasetUpload:
    """The result of uploading a dataset.

    Attributes:
        location: Its location; a folder's has no slash at its end.
        file_count: How many files it has.
        size_bytes: Their total size.
        sent_bytes: How much of that was sent; the rest existed with the same content.
    """

    location: S3Location
    file_count: int
    size_bytes: int
    sent_bytes: int


def upload_dataset(
    aws: AwsSession, options: SagemakerOptions, silent: bool = False, replaces: bool = True
) -> DatasetUpload:
    """Uploads a dataset; files with the same content are not sent again.

    Args:
        aws: The account; its default bucket is created if needed.
        options: The dataset and its bucket.
        silent: Whether no progress is shown.
        replaces: Whether files take the place of those with another content.

    Raises:
        DatasetError: If there is no dataset here, it cannot be read, or another one is there.
        DeliveryError: If S3 refuses it.
    """
    path = options.local_dataset_path
    if path is None:
        raise DatasetError("there is no dataset to upload; set dataset")
    bucket, _ = find_own_bucket(options, aws, create=True)
    location = dataset_location(options, bucket)
    uploads = plan_dataset_upload(path, location)
    if not uploads:
        raise DatasetError(f"dataset {str(path)!r} is an empty folder; prepare it")
    size_bytes = sum(each.path.stat().st_size for each in uploads)
    missing = find_missing(aws, uploads, options.remote.kms_key)
    if not replaces:
        _check_replaces_none(missing)
    sent_bytes = send_files(aws, [each.upload for each in missing], options.remote.kms_key, silent)
    if path.is_dir():
        warn_of_others(aws, uploads, S3Location(location.bucket, f"{location.key}/"))
    return DatasetUpload(location, len(uploads), size_bytes, sent_bytes)


def _check_replaces_none(missing: Sequence[MissingUpload]) -> None:
    for upload in (each.upload for each in missing if each.is_replacing):
        raise DatasetError(
            f"{str(upload.location)!r} has another content than {str(upload.path)!r}, and is not replaced; name "
            "another bucket or project_name, or upload yours with `tg-mlflow upload-dataset`"
        )


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


@dataclass(frozen=True)
class LocatedChannel:
    """A channel's place in S3.

    Attributes:
        location: The object, or a prefix that ends with a slash.
        uploads: The local files that belong there; none if it was given by its address.
    """

    location: S3Location
    uploads: Sequence[Upload] = ()


def locate_channels(options: SagemakerOptions, bucket: str) -> dict[str, LocatedChannel]:
    """Finds where the content of each channel is, or belongs, in S3.

    Args:
        options: The channels: local files and folders, or addresses, of which a folder's ends with a slash.
        bucket: The bucket for local files; the same content has the same location there.

    Raises:
        DatasetError: If a local file or folder does not exist, is empty or cannot be read.
        DeliveryError: If an address is not one.
    """
    located = {}
    for name, value in options.channels.items():
        if str(value).startswith("s3://"):
            located[name] = LocatedChannel(S3Location.parse(str(value)))
            continue
        path = Path(value)
        prefix = f"sagemaker/{options.project_name}/channels/{name}/{_digest_channel(name, path)}"
        location = S3Location(bucket, prefix if path.is_dir() else f"{prefix}/{path.name}")
        uploads = plan_dataset_upload(path, location)
        if not uploads:
            raise DatasetError(f"channel {name!r} is {str(path)!r}, an empty folder; prepare it")
        located[name] = LocatedChannel(S3Location(bucket, f"{prefix}/"), uploads)
    return located


def _digest_channel(name: str, path: Path) -> str:
    try:
        return digest_files(path)[:_DIGITS]
    except OSError as error:
        raise DatasetError(
            f"channel {name!r} cannot be read: {error.strerror} ({error.filename}); correct channels"
        ) from error
