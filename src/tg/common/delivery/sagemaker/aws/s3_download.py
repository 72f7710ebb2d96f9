"""Downloads objects from S3; a broken download is resumed."""

import os
import time
from pathlib import Path
from typing import Any

from ....errors import DeliveryError
from .errors import error_code, is_expired, is_passing, translate
from .s3_location import S3Location, find_object
from .session import AwsSession

_CHUNK_BYTES = 1 << 20
_TRIES_WITHOUT_PROGRESS = 5


def download_object(aws: AwsSession, location: S3Location, target: Path, pause_seconds: float = 2) -> None:
    """Downloads an object, resuming an earlier try; the file only appears complete.

    Args:
        aws: The account.
        location: The object.
        target: The target file; an existing one is replaced.
        pause_seconds: The pause after a broken connection.

    Raises:
        DeliveryError: If it does not exist, or S3 refuses it.
    """
    found = find_object(aws, location)
    if found is None:
        raise DeliveryError(f"there is no {str(location)!r}; see whether the job has come to its end")
    size, etag = int(found["ContentLength"]), str(found["ETag"])
    # Named by its content, so that a part of another object is not mistaken for one of this.
    part = target.with_name(f".{target.name}.{etag.strip(chr(34))}.part")
    for other in target.parent.glob(f".{target.name}.*.part"):
        if other != part:
            other.unlink()
    _fetch(aws, location, etag, size, part, pause_seconds)
    os.replace(part, target)


def _fetch(aws: AwsSession, location: S3Location, etag: str, size: int, part: Path, pause_seconds: float) -> None:
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    part.touch()
    what, tries = f"{str(location)!r} cannot be fetched", 0
    while (before := part.stat().st_size) < size:
        try:
            _append(aws, location, etag, part, before)
        except (BotoCoreError, ClientError, HTTPError, OSError) as e:
            tries = 0 if part.stat().st_size > before else tries + 1
            if error_code(e) in ("PreconditionFailed", "412"):
                raise DeliveryError(f"{what}: it was replaced in the meantime; try again") from e
            is_lasting = isinstance(e, ClientError) and not is_expired(e) and not is_passing(e)
            if is_lasting or tries >= _TRIES_WITHOUT_PROGRESS:
                raise translate(e, what) from e
            if is_expired(e):
                aws.renew()
            time.sleep(pause_seconds)
    if part.stat().st_size != size:
        part.unlink()
        raise DeliveryError(f"{what}: it has more than its {size:,} bytes; try again")


def _append(aws: AwsSession, location: S3Location, etag: str, part: Path, position: int) -> None:
    settings: dict[str, Any] = {"Range": f"bytes={position}-"} if position else {}
    answer = aws.client("s3").get_object(Bucket=location.bucket, Key=location.key, IfMatch=etag, **settings)
    with part.open("ab") as file:
        for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
            file.write(chunk)
