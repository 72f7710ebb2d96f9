"""The result archive of a job on SageMaker: its location in S3, and its local copy."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import DeliveryError, JobUnreachableError, ResultArchiveError
from ..archive.names import ARCHIVE_NAME
from ..archive.result_archive import ResultArchive
from ..aws.s3_download import download_object
from ..aws.s3_location import S3Location, head_object
from ..aws.session import AwsSession
from ..job_files.job_folder import JobFolder
from ..job_files.job_storage import jobs_path
from .state import JobDescription, build_remote_state

_COPY_NAME = "copy.json"


@dataclass(frozen=True)
class RemoteResult:
    """An archive in S3.

    Attributes:
        location: The object.
        size_bytes: Its size.
        etag: Its ETag, which changes when the object is replaced.
    """

    location: S3Location
    size_bytes: int
    etag: str


def find_result(aws: AwsSession, job: JobDescription) -> RemoteResult | None:
    """Finds a job's archive; ``None`` if it has none.

    Raises:
        JobUnreachableError: If S3 is away for too long; the archive stays there.
        DeliveryError: If access to S3 is denied.
    """
    uri = job.archive_uri or f"{job.output_uri.rstrip('/')}/{job.job_id}/output/"
    # For some jobs, the SDK returns only the folder.
    location = S3Location.parse(f"{uri}{ARCHIVE_NAME}" if uri.endswith("/") else uri)
    found = aws.follow(job.job_id, lambda: head_object(aws, location))
    return None if found is None else RemoteResult(location, int(found["ContentLength"]), str(found["ETag"]))


def fetch_result(aws: AwsSession, job: JobDescription) -> Path:
    """Downloads a job's archive, unless it is here; an earlier try is resumed.

    Returns:
        The archive.

    Raises:
        ResultArchiveError: If the job has none.
        JobUnreachableError: If S3 is away for too long, or credentials have expired; the archive stays there.
        DeliveryError: If S3 refuses it.
    """
    result = find_result(aws, job)
    if result is None:
        reason = build_remote_state(job).reason or f"it has {job.status.lower()} without an archive"
        raise ResultArchiveError(f"job {job.job_id!r} has no results: {reason}")
    folder = JobFolder(jobs_path() / job.job_id)
    folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy = {"location": str(result.location), "etag": result.etag}
    if not folder.archive.is_file() or folder.read_json(_COPY_NAME) != copy:
        _download(aws, job.job_id, result.location, folder.archive)
        folder.write_json(_COPY_NAME, copy)
    return folder.archive


def fetch_log_size(aws: AwsSession, job: JobDescription) -> Mapping[str, Any] | None:
    """Reads what the results of a job that has completed say of its log, as ``ResultArchive.log_size`` does.

    Raises:
        DeliveryError: As :func:`fetch_result` does.
    """
    with ResultArchive.open_complete(fetch_result(aws, job)) as archive:
        return archive.log_size


def _download(aws: AwsSession, job_id: str, location: S3Location, target: Path) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    def download() -> None:
        try:
            download_object(aws, location, target)
        except DeliveryError as e:
            if isinstance(e.__cause__, (BotoCoreError, ClientError)):
                raise e.__cause__ from None  # which is waited for
            raise

    try:
        aws.follow(job_id, download)
    except JobUnreachableError as e:
        raise JobUnreachableError(f"{e}; the results of job {job_id!r} stay there and can be fetched later") from e
