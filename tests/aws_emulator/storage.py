"""Moves files between a job and S3 with SageMaker's rules for names."""

import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from tests.aws_emulator.api_error import ApiError


class DownloadError(Exception):
    """What a job needs is not in S3."""


class Storage:
    """What SageMaker does in S3, with a client of the emulator's own."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def check_inputs(self, request: Mapping[str, Any]) -> None:
        """Checks that every channel has something to read.

        Raises:
            ApiError: As ``CreateTrainingJob`` answers then.
        """
        for uri in _input_uris(request):
            try:
                is_there = self.has_objects(uri)
            except ClientError as error:
                raise ApiError("ValidationException", f"S3 bucket of '{uri}' cannot be listed: {error}") from error
            if not is_there:
                bucket = urlsplit(uri).netloc
                raise ApiError(
                    "ValidationException",
                    f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the '
                    "bucket exists in the selected region, that objects exist under that S3 prefix, and that the role "
                    f'"{request["RoleArn"]}" has "s3:ListBucket" permissions on bucket "{bucket}".',
                )

    def has_objects(self, uri: str) -> bool:
        """Whether any object's key begins with a prefix."""
        return next(self._list(uri), None) is not None

    def download(self, uri: str, folder: Path, part: int = 0, parts: int = 1) -> list[str]:
        """Downloads every object whose key begins with a prefix, or each ``parts``-th one from ``part`` on.

        Returns:
            The names in the folder.

        Raises:
            DownloadError: If there is none.
        """
        prefix = _split(uri)[1]
        keys = [key for key in self._list(uri) if not key.endswith("/")]
        if not keys:
            raise DownloadError(f"No S3 objects found under S3 URL '{uri}'")
        names = []
        for key in keys[part::parts]:
            names.append(_name_below(prefix, key))
            path = folder / names[-1]
            path.parent.mkdir(parents=True, exist_ok=True)
            self.client.download_file(_split(uri)[0], key, str(path))
        return names

    def upload_files(self, folder: Path, uri: str, names: Iterable[str], kms_key: str | None) -> None:
        """Uploads files of a folder under a prefix."""
        for name in names:
            self._upload(folder / name, f"{uri.rstrip('/')}/{name}", kms_key)

    def upload_archive(self, folder: Path, uri: str, kms_key: str | None) -> None:
        """Uploads what a folder holds as one compressed archive; an empty folder leaves none."""
        if not any(folder.iterdir()):
            return
        archive = folder.with_name(f"{folder.name}.tar.gz")
        with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
            for path in sorted(folder.iterdir()):
                tar.add(path, path.name)
        self._upload(archive, uri, kms_key)

    def _upload(self, path: Path, uri: str, kms_key: str | None) -> None:
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        self.client.upload_file(str(path), *_split(uri), ExtraArgs=extra)

    def _list(self, uri: str) -> Iterator[str]:
        bucket, prefix = _split(uri)
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from (each["Key"] for each in page.get("Contents", ()))


def _input_uris(request: Mapping[str, Any]) -> Iterator[str]:
    for channel in request.get("InputDataConfig", ()):
        source = channel["DataSource"].get("S3DataSource")
        if source is None or source["S3DataType"] != "S3Prefix":
            raise ApiError("ValidationException", "The emulator knows channels of the type S3Prefix only.")
        yield source["S3Uri"]


def _split(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri, allow_fragments=False)
    return parts.netloc, parts.path.removeprefix("/")


def _name_below(prefix: str, key: str) -> str:
    """A prefix that is a folder, with or without its slash, is left out; of any other only its folder is."""
    folder = prefix if prefix.endswith("/") else f"{prefix}/"
    if not prefix or key.startswith(folder):
        return key.removeprefix(folder if prefix else "")
    return key[prefix.rfind("/") + 1 :]
