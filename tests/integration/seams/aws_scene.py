"""Faults between a launcher and AWS, whose jobs are functions."""

import hashlib
import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.aws_emulator import AwsEmulator
from tests.aws_emulator.api_call import ApiCall, read_call
from tests.aws_emulator.api_error import ApiError, access_denied, token_expired, write_error
from tests.integration.aws.backend_support import POINTS, build_archive
from tests.integration.seams.faults import Calls, Fault
from tests.integration.seams.haste import PATIENCE_SECONDS
from tests.integration.seams.proxy import Request, SeamProxy
from tests.integration.seams.scene import StoredScene

_KEY_ID = re.compile(r"-[0-9a-f]{8}\b|\b[0-9a-f]{64}\b")
# Longer than a launcher is patient, so that one that gives up leaves a job that goes on.
_LONG_SECONDS = 3 * PATIENCE_SECONDS
# Longer than anyone waits.
ENDLESS_SECONDS = 100 * PATIENCE_SECONDS


def away(call: ApiCall) -> ApiError:
    return ApiError("ServiceUnavailable", "Please try again.", 503)


def denied(call: ApiCall) -> ApiError:
    return access_denied(call, "arn:aws:iam::123456789012:user/trainer")


def expired(call: ApiCall) -> ApiError:
    return token_expired(call)


class AwsJobs:
    """What jobs do: say their metrics, half of them late, leave an archive; one whose launcher has ended ends, too.

    Attributes:
        aws: Where they run.
        seconds: How long they last, unless they are to last longer.
        begun: Those that have said what they say first.
    """

    def __init__(self) -> None:
        self.aws: AwsEmulator
        self.begun: set[str] = set()
        self.seconds = 0.5
        self._archive = build_archive()
        self._lasting: dict[str, threading.Event] = {}

    def last(self, name: str) -> threading.Event:
        """Lets a job last until the event is set that this returns, though not for ever."""
        return self._lasting.setdefault(name, threading.Event())

    def __call__(
        self, request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]
    ) -> int:
        name, half = request["TrainingJobName"], len(POINTS) // 2
        for step, value in POINTS[:half]:
            write_line(f"###METRIC###loss:{value!r}###step:{step}###")
        self.begun.add(name)
        may_end = self._lasting.get(name)
        end = time.monotonic() + (self.seconds if may_end is None else _LONG_SECONDS)
        while time.monotonic() < end and not (may_end is not None and may_end.is_set()):
            if is_stopped():
                return 143
            time.sleep(0.05)
        for step, value in POINTS[half:]:
            write_line(f"###METRIC###loss:{value!r}###step:{step}###")
        place = urlsplit(f"{request['OutputDataConfig']['S3OutputPath']}/{name}/output/model.tar.gz")
        self.aws.s3.put_object(Bucket=place.netloc, Key=place.path[1:], Body=self._archive)
        return 0


class AwsScene(StoredScene):
    """Trains on SageMaker, in an image that is there.

    Args:
        project: The project.
        folder: Where folders are made.
        aws: AWS, whose jobs are ``jobs``.
        jobs: The jobs.
        store: An empty store, which is copied for each launcher.
        refuse: What a refused call is answered.
    """

    keeps_jobs = True

    def __init__(
        self,
        project: Path,
        folder: Path,
        aws: AwsEmulator,
        jobs: AwsJobs,
        store: Path,
        refuse: Callable[[ApiCall], ApiError] = away,
    ) -> None:
        super().__init__("sagemaker", project, folder, store)
        self._aws, self._jobs, self._refuse = aws, jobs, refuse
        self._names: dict[Path, set[str]] = {}

    def find_words(self, folder: Path) -> list[str]:
        bucket = self._aws.create_bucket(f"seams-{hashlib.sha256(folder.name.encode()).hexdigest()[:20]}")
        self._aws.s3.put_object(Bucket=bucket, Key="sagemaker/points/datasets/points.parquet", Body=b"points")
        # What a training costs is asked for beside it, at no moment that could be told.
        return ["--backend-config", json.dumps({"bucket": bucket, "log": {"cost": False}})]

    def find_way(self) -> dict[str, str]:
        return {**self._aws.environment, "AWS_ROLE": self._aws.role_arn}

    @contextmanager
    def open_seam(self, folder: Path, calls: Calls) -> Iterator[dict[str, str]]:
        address = urlsplit(self._aws.url)
        names, lasting = self._names.setdefault(folder, set()), list[threading.Event]()
        is_long = calls.ordered is not None and calls.ordered.fault in (Fault.EVER, Fault.HANGS)

        def name(request: Request) -> str:
            found = name_call(request)
            if found == "sagemaker:CreateTrainingJob":
                job = str(json.loads(request.body)["TrainingJobName"])
                names.add(job)
                if is_long:
                    lasting.append(self._jobs.last(job))
            elif names and found.startswith("sagemaker:"):
                return f"{found}, of a job that there is"
            return found

        with SeamProxy((str(address.hostname), int(address.port or 80)), calls, name, self._write_refusal) as proxy:
            yield {"AWS_ENDPOINT_URL": proxy.address}
        for each in lasting:
            each.set()

    def note_job(self, folder: Path, job_id: str) -> None:
        self._names.setdefault(folder, set()).add(job_id)

    def has_begun(self, folder: Path, job_id: str) -> bool:
        return job_id in self._jobs.begun

    def list_jobs(self, folder: Path) -> list[str]:
        return [self._describe(each) for each in self._names[folder] if each in {job.name for job in self._aws.jobs}]

    def _describe(self, name: str) -> str:
        job = next((each for each in self._aws.jobs if each.name == name), None)
        if job is None:
            return "not there"
        if job.is_stop_requested or job.status in ("Stopped", "Stopping", "Failed"):
            return "stopped"
        return "completed" if job.status == "Completed" else "going on"

    def _write_refusal(self, request: Request) -> bytes:
        call = _read(request)
        error = self._refuse(call)
        kind, body = write_error(call, error)
        head = f"HTTP/1.1 {error.status} Refused\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        return f"{head}Connection: close\r\n\r\n".encode() + body


def name_call(request: Request) -> str:
    """Names a call by service and operation, and one about a file by the file's name, too."""
    call = _read(request)
    key = urlsplit(request.path).path.strip("/").partition("/")[2]
    return f"{call.name} {_KEY_ID.sub('-*', key.rpartition('/')[2])}".strip() if call.service == "s3" else call.name


def _read(request: Request) -> ApiCall:
    path = urlsplit(request.path)
    headers = {f"HTTP_{key.upper().replace('-', '_')}": value for key, value in request.headers.items()}
    return read_call(
        {
            "REQUEST_METHOD": request.method,
            "PATH_INFO": path.path,
            "QUERY_STRING": path.query,
            "CONTENT_LENGTH": str(len(request.body)),
            "wsgi.input": io.BytesIO(request.body),
            **headers,
        }
    )
