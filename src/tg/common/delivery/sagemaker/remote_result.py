"""The result archive of a job on SageMaker: where it is in S3, and its copy here."""

from dataclasses import dataclass
from pathlib import Path

from ...errors import ResultArchiveError
from .archive_members import ARCHIVE_NAME
from .aws_session import AwsSession
from .job_folder import JobFolder, jobs_path
from .remote_state import JobDescription, build_remote_state
from .s3_download import download_object
from .s3_location import S3Location, find_object

_COPY_NAME = "copy.json"


@dataclass(frozen=True)
class RemoteResult:
    """An archive in S3.

    Attributes:
        place: The object.
        size_bytes: Its size.
        etag: What it is: it differs when the object is replaced.
    """

    place: S3Location
    size_bytes: int
    etag: str


def find_result(aws: AwsSession, job: JobDescription) -> RemoteResult | None:
    """Finds a job's archive; ``None`` if it has none."""
    uri = job.archive_uri or f"{job.output_uri.rstrip('/')}/{job.job_id}/output/"
    # For some jobs the SDK tells the folder only.
    place = S3Location.parse(f"{uri}{ARCHIVE_NAME}" if uri.endswith("/") else uri)
    found = find_object(aws, place)
    return None if found is None else RemoteResult(place, int(found["ContentLength"]), str(found["ETag"]))


def fetch_result(aws: AwsSession, job: JobDescription) -> Path:
    """Brings a job's archive here, unless it is here; what an earlier try has brought is not fetched again.

    Returns:
        The archive.

    Raises:
        ResultArchiveError: If the job has none.
        DeliveryError: If S3 does not give it.
    """
    result = find_result(aws, job)
    if result is None:
        reason = build_remote_state(job).reason or f"it has {job.status.lower()} without an archive"
        raise ResultArchiveError(f"job {job.job_id!r} has no results: {reason}")
    folder = JobFolder(jobs_path() / job.job_id)
    folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy = {"place": str(result.place), "etag": result.etag}
    if not folder.archive.is_file() or folder.read_json(_COPY_NAME) != copy:
        download_object(aws, result.place, folder.archive)
        folder.write_json(_COPY_NAME, copy)
    return folder.archive
