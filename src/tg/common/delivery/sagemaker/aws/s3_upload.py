"""Uploads files to S3: many at the same time, large ones in parts, with progress, and not twice."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from ....errors import DatasetError
from ....logger import Logger
from .s3_location import S3Location, find_object, list_keys, list_objects
from .session import AwsSession

T = TypeVar("T")

_SHA256 = "tg-sha256"
_CHUNK_BYTES = 1 << 20
# As AWS's SDK has it: what is larger goes in parts, several at the same time.
_PART_BYTES = 8 << 20
_THREADS = 32
# So few are looked for one by one.
_FEW = 2


@dataclass(frozen=True)
class Upload:
    """A file and its location in S3.

    Attributes:
        path: The file.
        location: The object.
    """

    path: Path
    location: S3Location


@dataclass(frozen=True)
class MissingUpload:
    """A file that is not in S3 with the same content and encryption.

    Attributes:
        upload: The file and its location.
        is_replacing: Whether there is another object in its place.
    """

    upload: Upload
    is_replacing: bool


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
        silent: Whether no progress is shown; large files are told in a line then.

    Returns:
        How many bytes were sent.

    Raises:
        DatasetError: If a file cannot be read.
        DeliveryError: If S3 refuses it.
    """
    return send_files(aws, [each.upload for each in find_missing(aws, uploads, kms_key)], kms_key, silent)


def send_files(aws: AwsSession, uploads: Sequence[Upload], kms_key: str | None = None, silent: bool = False) -> int:
    """Uploads files, whatever is in S3; returns and raises what :func:`upload_files` does."""
    from tqdm import tqdm

    if not uploads:
        return 0
    sizes = {each: _measure(each.path) for each in uploads}
    settings = {} if kms_key is None else {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}
    if silent and any(size >= _PART_BYTES for size in sizes.values()):
        Logger.info(f"Uploading {sum(sizes.values()):,} bytes to s3://{uploads[0].location.bucket}")
    with tqdm(total=sum(sizes.values()), unit="B", unit_scale=True, desc="Uploading", disable=silent) as progress:

        def send(upload: Upload) -> int:
            return _send_small(aws, upload, settings)

        for sent in _map_in_threads(send, [each for each in uploads if sizes[each] < _PART_BYTES]):
            progress.update(sent)
        for each in uploads:
            if sizes[each] >= _PART_BYTES:
                _send_large(aws, each, settings, progress.update)
    return sum(sizes.values())


def warn_of_others(aws: AwsSession, uploads: Sequence[Upload], folder: S3Location) -> None:
    """Warns of objects in a dataset's folder that are not in the local dataset: a training sees them, too."""
    others = sorted(set(list_keys(aws, folder)) - {each.location.key for each in uploads})
    if others:
        Logger.warning(
            f"{folder} holds {len(others)} objects that are not here, such as {others[0]!r}; a training sees them, too"
        )


def find_missing(aws: AwsSession, uploads: Sequence[Upload], kms_key: str | None = None) -> list[MissingUpload]:
    """Returns the uploads that are not in S3 with the same content and key.

    Many are listed, a thousand a call; S3 is asked about a single one only if the list does not tell what it holds.

    Raises:
        DatasetError: If a file cannot be read.
        DeliveryError: If S3 refuses to tell.
    """
    listed = _list_objects(aws, uploads) if len(uploads) > _FEW else None
    compared = _map_in_threads(lambda each: _compare(aws, each, listed, kms_key), uploads)
    return [each for each in compared if each is not None]


def _compare(
    aws: AwsSession, upload: Upload, listed: Mapping[S3Location, Mapping[str, Any]] | None, kms_key: str | None
) -> MissingUpload | None:
    """Compares a file with the object in its place, which may have been listed; ``None`` if they are the same."""
    if listed is not None:
        entry = listed.get(upload.location)
        if entry is None:
            return MissingUpload(upload, is_replacing=False)
        if entry["Size"] != _measure(upload.path):
            return MissingUpload(upload, is_replacing=True)
        if kms_key is None and _has_md5(upload.path, entry):
            return None
    found = find_object(aws, upload.location)
    if found is None:
        return MissingUpload(upload, is_replacing=False)
    is_same = (
        found["ContentLength"] == _measure(upload.path)
        and _is_encrypted(found, kms_key)
        and found.get("Metadata", {}).get(_SHA256) == _digest(upload.path)
    )
    return None if is_same else MissingUpload(upload, is_replacing=True)


def _list_objects(aws: AwsSession, uploads: Sequence[Upload]) -> dict[S3Location, Mapping[str, Any]]:
    """Lists what is in S3 where files belong, by location."""
    found: dict[S3Location, Mapping[str, Any]] = {}
    for bucket, group in groupby((each.location for each in uploads), lambda location: location.bucket):
        # To S3, a prefix is a text, which may end within a name.
        prefix = S3Location(bucket, os.path.commonprefix([location.key for location in group]))  # noqa: RUF071
        found |= {S3Location(bucket, each["Key"]): each for each in list_objects(aws, prefix)}
    return found


def _has_md5(path: Path, entry: Mapping[str, Any]) -> bool:
    """Returns whether a listed object surely has a small file's content.

    Its ETag is the content's MD5, unless it came in parts or is encrypted with a key.
    """
    if entry["Size"] >= _PART_BYTES or "-" in entry["ETag"]:
        return False
    return str(entry["ETag"]).strip('"') == hashlib.md5(_read(path), usedforsecurity=False).hexdigest()


def _is_encrypted(found: Mapping[str, Any], kms_key: str | None) -> bool:
    """Returns whether an object is encrypted with a key; for a key's alias, any key counts."""
    if kms_key is None:
        return True
    is_alias = kms_key.rpartition(":")[2].startswith("alias/")
    is_same = str(found.get("SSEKMSKeyId", "")).rpartition("/")[2] == kms_key.rpartition("/")[2]
    return str(found.get("ServerSideEncryption", "")).startswith("aws:kms") and (is_alias or is_same)


def _measure(path: Path) -> int:
    with _reading(path):
        return path.stat().st_size


def _read(path: Path) -> bytes:
    with _reading(path):
        return path.read_bytes()


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with _reading(path), path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatasetError(f"{str(path)!r} cannot be read: {error.strerror}; correct its permissions") from error


def _send_small(aws: AwsSession, upload: Upload, settings: Mapping[str, Any]) -> int:
    """Sends a file that is read once; returns its size."""
    # For bytes or a file, the SDK would ask whether S3 takes them before it sends them: another way there and back.
    content = bytearray(_read(upload.path))
    metadata = {_SHA256: hashlib.sha256(content).hexdigest()}
    bucket, key = upload.location.bucket, upload.location.key
    aws.call(
        _describe_failure(upload),
        lambda: aws.client("s3").put_object(Bucket=bucket, Key=key, Body=content, Metadata=metadata, **settings),
    )
    return len(content)


def _send_large(aws: AwsSession, upload: Upload, settings: Mapping[str, Any], progress: Any) -> None:
    """Sends a file in parts."""
    settings = {"Metadata": {_SHA256: _digest(upload.path)}, **settings}

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

    aws.call(_describe_failure(upload), send)


def _describe_failure(upload: Upload) -> str:
    return f"{str(upload.path)!r} cannot be uploaded to {str(upload.location)!r}"


def _map_in_threads(function: Callable[[Upload], T], uploads: Iterable[Upload]) -> Iterator[T]:
    """Yields the function's results in the order of the uploads; after an error, it is not called any more."""
    with ThreadPoolExecutor(_THREADS, "tg-s3") as pool:
        futures = [pool.submit(function, each) for each in uploads]
        try:
            for future in futures:
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
