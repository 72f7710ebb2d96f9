"""Trains on SageMaker."""

import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import DeliveryError, ResultArchiveError
from ...logger import Logger
from ..delivery.docker_client import DockerClient, connect
from ..delivery.package import Package
from .aws_session import AwsSession
from .cloudwatch_log import CloudWatchLog
from .code_channel import build_code_place, build_entrypoint, plan_code_upload
from .config import SagemakerConfig
from .dataset_upload import upload_dataset
from .ecr_repository import RegistryLogin, build_repository_name, deliver_image, open_repository
from .executor import JobFacts, JobState, Listener, SagemakerExecutor
from .job_folder import JobFolder, build_job_id
from .log_event import LogEvent, skip_bytes
from .metric_definitions import build_metric_definitions
from .pacing import Pacing
from .remote_facts import build_console_url, build_facts
from .remote_plan import RemotePlan
from .remote_result import fetch_result, find_result
from .remote_state import JobDescription, build_remote_state
from .remote_target import UNKNOWN_DIGEST, RemoteTarget, find_target
from .result_archive import ResultArchive
from .s3_location import S3Location
from .s3_upload import Upload, find_missing, upload_files
from .training_job import create_job, describe_job, stop_job


class SagemakerRemoteExecutor(SagemakerExecutor):
    """Runs the job on SageMaker, in an image that is built here and pushed, or in a ready-made one.

    A job's id is its name there. All that is asked of a job is asked of AWS; nothing of it is kept here but the result
    archive, once it has been fetched.

    Args:
        config: What is trained, and how it is delivered.
        session: A ``boto3.Session``, or a function that makes one and is called again when credentials have expired;
            by default one of the profile and the region in the options.
        client: The Docker daemon that builds and pushes images; by default that of the options or of ``DOCKER_HOST``.
        pacing: How often jobs are looked at.
    """

    place = "remote"
    is_remote = True
    repeats_logs = False  # what comes late has its place before what was read earlier

    def __init__(
        self,
        config: SagemakerConfig,
        session: Any = None,
        client: DockerClient | None = None,
        pacing: Pacing | None = None,
    ) -> None:
        self.config = config
        self.pacing = pacing or Pacing()
        remote = config.options.remote
        self.aws = AwsSession(remote.region, remote.profile, session, self.pacing.patience_seconds)
        self._client = client
        self._submission = secrets.token_hex(8)
        self._sent: set[str] = set()

    @property
    def client(self) -> DockerClient:
        """The Docker daemon; the connection is made on first use."""
        if self._client is None:
            self._client = connect(self.config.options.docker_host)
        return self._client

    def build_job_id(self) -> str:
        return self.config.options.remote.job_name or build_job_id(self.config.job_title)

    def plan(self, job_id: str | None = None) -> RemotePlan:
        """Checks all that :meth:`submit` checks and tells what it would do; creates and sends nothing.

        Raises:
            DeliveryError: As :meth:`submit` does.
        """
        job_id = job_id or self.build_job_id()
        target = find_target(self.config, self.aws, job_id, create=False)
        _, left_out = build_metric_definitions(self.config.job.task.get_metric_names())
        if target.ready_image is None:
            repository = self._repository_name()
            image = f"{repository}@{UNKNOWN_DIGEST}"
            request = target.build_request(self.config, job_id, image)
            return RemotePlan(request, (), repository, tuple(left_out), target.notes)
        with tempfile.TemporaryDirectory() as folder:
            package = self.config.packaging.make_package(Path(folder))
            place, uploads = self._plan_code(target, package)
            request = target.build_request(
                self.config, job_id, target.ready_image, code=place, entrypoint=build_entrypoint()
            )
            is_there = not target.notes
            kms_key = self.config.options.remote.kms_key
            missing = [each for each, _ in find_missing(self.aws, uploads, kms_key)] if is_there else uploads
            sizes = [(each.path.name, str(each.place), each.path.stat().st_size) for each in missing]
        return RemotePlan(request, tuple(sizes), None, tuple(left_out), target.notes)

    def submit(self, job_id: str | None = None, listener: Listener | None = None) -> str:
        job_id = job_id or self.build_job_id()
        target = find_target(self.config, self.aws, job_id, create=True)
        request = self._deliver(job_id, target)
        _, left_out = build_metric_definitions(self.config.job.task.get_metric_names())
        if left_out:
            Logger.warning(f"SageMaker takes 40 metrics; its console will not show {', '.join(left_out)}")
        self._sent.add(job_id)
        try:
            create_job(self.aws, request, self.config.options.remote.queue_seconds, self.pacing.create_seconds)
        except DeliveryError:
            self._sent.discard(job_id)  # there is none, or it is another's
            raise
        Logger.info(f"Created the training job {job_id}: {self.console_url(job_id)}")
        return job_id

    def has_submitted(self, job_id: str) -> bool:
        if job_id not in self._sent:
            return False
        job = self.aws.follow(job_id, lambda: describe_job(self.aws, job_id))
        return job is not None and job.submission == self._submission

    def upload_dataset(self) -> str:
        """Uploads the dataset to its place in S3, with progress; what is there with the same content is not sent again.

        Returns:
            Where it is.

        Raises:
            DatasetError: If there is no dataset here.
            DeliveryError: If S3 does not take it.
        """
        done = upload_dataset(self.aws, self.config.options)
        Logger.info(f"The dataset is {done.place} ({done.sent_bytes:,} bytes were sent)")
        return str(done.place)

    def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        all_hosts = self.config.options.remote.metrics_from == "all"
        log = CloudWatchLog(self.aws, job_id, lambda: self._describe(job_id), all_hosts, self.pacing)
        return skip_bytes(log.follow(follow), position)

    def status(self, job_id: str) -> JobState:
        return build_remote_state(self._describe(job_id))

    def cancel(self, job_id: str) -> None:
        self.kill(job_id)
        while not self._describe(job_id).is_final:
            time.sleep(self.pacing.status_seconds)

    def kill(self, job_id: str) -> None:
        """Asks for the end of the job, and does not wait for it: SageMaker gives every job two minutes to stop."""
        if not self._describe(job_id).is_final:
            self.aws.follow(job_id, lambda: stop_job(self.aws, job_id))

    def load_result(self, job_id: str) -> ResultArchive:
        job = self._describe(job_id)
        if not job.is_final:
            state = build_remote_state(job)
            raise ResultArchiveError(f"job {job_id!r} is {state.status.value}; wait for its end, or cancel it")
        path = fetch_result(self.aws, job)
        archive = ResultArchive(path)
        archive.check_complete()
        return archive

    def discard(self, job_id: str) -> None:
        """Removes what has been fetched of a job; what is in AWS stays."""
        JobFolder.discard(job_id)

    def facts(self, job_id: str) -> JobFacts:
        job = self._describe(job_id)
        result = find_result(self.aws, job) if job.is_final else None
        return build_facts(job, self.aws.region, result)

    def console_url(self, job_id: str) -> str:
        """Where AWS's console shows a job."""
        return build_console_url(job_id, self.aws.region, self.aws.partition)

    def _describe(self, job_id: str) -> JobDescription:
        job = self.aws.follow(job_id, lambda: describe_job(self.aws, job_id))
        if job is None:
            raise DeliveryError(
                f"there is no job {job_id!r} in {self.aws.region} of account {self.aws.account}; check the id, region "
                "and profile"
            )
        return job

    def _deliver(self, job_id: str, target: RemoteTarget) -> dict[str, Any]:
        """Brings the code to AWS and writes the request that uses it."""
        with tempfile.TemporaryDirectory() as folder:
            if target.ready_image is None:
                client, login = self.client, self._open_repository()
                package = self.config.packaging.make_package(Path(folder))
                image = deliver_image(client, self.config.containering, package, login)
                return target.build_request(self.config, job_id, image, submission=self._submission)
            package = self.config.packaging.make_package(Path(folder))
            place, uploads = self._plan_code(target, package)
            upload_files(self.aws, uploads, self.config.options.remote.kms_key, silent=True)
        return target.build_request(
            self.config,
            job_id,
            target.ready_image,
            code=place,
            entrypoint=build_entrypoint(),
            submission=self._submission,
        )

    def _plan_code(self, target: RemoteTarget, package: Package) -> tuple[S3Location, list[Upload]]:
        place = build_code_place(target.bucket, self.config.options.project_name, package)
        return place, plan_code_upload(package, place)

    def _open_repository(self) -> RegistryLogin:
        repository = self.config.options.remote.image_repository
        if repository is not None:
            return RegistryLogin(repository)
        return open_repository(self.aws, build_repository_name(self.config.options.project_name))

    def _repository_name(self) -> str:
        repository = self.config.options.remote.image_repository
        name = build_repository_name(self.config.options.project_name)
        return repository or f"{self.aws.account}.dkr.ecr.{self.aws.region}.amazonaws.com/{name}"
