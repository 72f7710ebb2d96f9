"""The input channels of a training besides its dataset: found in S3, or uploaded to where their content says."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ....errors import DatasetError
from ..aws.s3_location import S3Location
from ..aws.s3_upload import Upload, plan_dataset_upload
from ..options.options import SagemakerOptions

_DIGITS = 32
_CHUNK_BYTES = 1 << 20


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
        prefix = f"sagemaker/{options.project_name}/channels/{name}/{_digest(name, path)}"
        location = S3Location(bucket, prefix if path.is_dir() else f"{prefix}/{path.name}")
        uploads = plan_dataset_upload(path, location)
        if not uploads:
            raise DatasetError(f"channel {name!r} is {str(path)!r}, an empty folder; prepare it")
        located[name] = LocatedChannel(S3Location(bucket, f"{prefix}/"), uploads)
    return located


def _digest(name: str, path: Path) -> str:
    """Digests the names and contents of the files."""
    digest = hashlib.sha256()
    try:
        files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        for file in files:
            shown = file.relative_to(path if path.is_dir() else path.parent).as_posix()
            digest.update(f"{shown}\0{file.stat().st_size}\0".encode())
            with file.open("rb") as content:
                while chunk := content.read(_CHUNK_BYTES):
                    digest.update(chunk)
    except OSError as error:
        raise DatasetError(
            f"channel {name!r} cannot be read: {error.strerror} ({error.filename}); correct channels"
        ) from error
    return digest.hexdigest()[:_DIGITS]
