"""Uploads files to S3: in parts, with progress, and not twice."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import DatasetError
from ....logger import Logger
from .s3_location import S3Location, find_object, list_keys
from .session import AwsSession

_SHA256 = "tg-sha256"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Upload:
    """A file and its location in S3.

    Attributes:
        path: The file.
        location: The object.
    """

    path: Path
    location: S3Location


def plan_dataset_upload(dataset: Path, location: S3Location) -> list[Upload]:
    """Lists the files of a dataset, a file or a folder, and their locations."""
    key = location.key.rstrip("/")
    if not dataset.is_dir():
        return [Upload(dataset, S3Location(location.bucket, key))]
    files = sorted(path for path in dataset.rglob("*") if path.is_file())
    return [
        Upload(path, S3Location(location.bucket, f"{key}/{path.relative_to(dataset).as_posix()}")) for path in files
    ]


def upload_files(aws: AwsSession, uploads: Sequence[Upload], kms_key: str | None = None, silent: bool = False) -> int:
    """Uploads files that are not in S3 with the same content and encryption.

    Args:
        aws: The account.
        uploads: The files and their locations.
        kms_key: The KMS key; ``None`` for the bucket's own encryption.
        silent: Whether no progress is shown.

    Returns:
        How many bytes were sent.

    Raises:
        DatasetError: If a file cannot be read.
        DeliveryError: If S3 refuses it.
    """
    from tqdm import tqdm

    missing = find_missing(aws, uploads, kms_key)
    total = sum(each.path.stat().st_size for each, _ in missing)
    if not missing:
        return 0
    with tqdm(total=total, unit="B", unit_scale=True, desc="Uploading", disable=silent) as progress:
        for each, digest in missing:
            _upload(aws, each, digest, kms_key, progress.update)
    return total


def warn_of_others(aws: AwsSession, uploads: Sequence[Upload], folder: S3Location) -> None:
    """Warns of objects in a dataset's folder that are not in the local dataset: a training sees them, too."""
    others = sorted(set(list_keys(aws, folder)) - {each.location.key for each in uploads})
    if others:
        Logger.warning(
            f"{folder} holds {len(others)} objects that are not here, such as {others[0]!r}; a training sees them, too"
        )


def find_missing(aws: AwsSession, uploads: Sequence[Upload], kms_key: str | None = None) -> list[tuple[Upload, str]]:
    """Returns the uploads that are not in S3 with the same content and key, and their digests."""
    missing = []
    for each in uploads:
        digest, found = _digest(each.path), find_object(aws, each.location)
        is_there = (
            found is not None
            and found["ContentLength"] == each.path.stat().st_size
            and found.get("Metadata", {}).get(_SHA256) == digest
            and _is_encrypted(found, kms_key)
        )
        if not is_there:
            missing.append((each, digest))
    return missing


def _is_encrypted(found: Mapping[str, Any], kms_key: str | None) -> bool:
    """Returns whether an object is encrypted with a key; for a key's alias, any key counts."""
    if kms_key is None:
        return True
    is_alias = kms_key.rpartition(":")[2].startswith("alias/")
    is_same = str(found.get("SSEKMSKeyId", "")).rpartition("/")[2] == kms_key.rpartition("/")[2]
    return str(found.get("ServerSideEncryption", "")).startswith("aws:kms") and (is_alias or is_same)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise DatasetError(f"{str(path)!r} cannot be read: {error.strerror}; correct its permissions") from error
    return digest.hexdigest()


def _upload(aws: AwsSession, upload: Upload, digest: str, kms_key: str | None, progress: Any) -> None:
    settings: dict[str, Any] = {"Metadata": {_SHA256: digest}}
    if kms_key is not None:
        settings |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}

    def send() -> None:
        from boto3.exceptions import S3UploadFailedError

        try:
            aws.client("s3").upload_file(
                str(upload.path), upload.location.bucket, upload.location.key, ExtraArgs=settings, Callback=progress
            )
        except S3UploadFailedError as e:
            # The exception contains S3's answer.
            if e.__context__ is not None:
                raise e.__context__ from e
            raise

    aws.call(f"{str(upload.path)!r} cannot be uploaded to {str(upload.location)!r}", send)
