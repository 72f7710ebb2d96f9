"""Trains on SageMaker."""

import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

from ....errors import DeliveryError, ResultArchiveError
from ....logger import Logger
from ....system.temporary_folder import temporary_folder
from ...delivery.image.docker_client import DockerClient, connect
from ..archive.result_archive import ResultArchive
from ..aws.call_rates import CallRates, WaitInterruptedError
from ..aws.s3_upload import find_missing
from ..contract.log_event import LogEvent, skip_bytes
from ..executor.config import SagemakerConfig
from ..executor.executor import JobFacts, JobState, Listener, SagemakerExecutor
from ..executor.stored_dataset import StoredDataset
from ..job_files.job_folder import JobFolder, build_job_id
from .cloudwatch_log import CloudWatchLog
from .code_channel import build_entrypoint
from .dataset import find_remote_dataset
from .dataset_upload import upload_dataset
from .delivery import RemoteDelivery
from .facts import build_console_url, build_facts
from .metric_definitions import build_metric_definitions
from .pacing import Pacing
from .plan import RemotePlan
from .result import fetch_result, find_result
from .shared_account import SharedAccount
from .state import JobDescription, build_remote_state
from .target import UNKNOWN_DIGEST, check_is_free, find_target
from .training_job import create_job, describe_job, stop_job


class SagemakerRemoteExecutor(SagemakerExecutor):
    """Runs the job on SageMaker, in an image that is built here and pushed, or in a ready-made one.

    A job's id is its name there. All that is asked of a job is asked of AWS; nothing of it is kept here but the result
    archive, once it has been fetched, and in a shared account what is known of its end.

    Args:
        config: What is trained, and how it is delivered.
        session: A ``boto3.Session``, or a function that makes one and is called again when credentials have expired;
            by default one of the profile and the region in the options.
        client: The Docker daemon that builds and pushes images; by default that of the options or of ``DOCKER_HOST``.
        pacing: How often jobs are looked at.
        account: An account that other executors use, too, when many jobs are trained at the same time; ``session`` and
            ``pacing`` are its own then.

    Attributes:
        interrupted: When it is set, waiting ends, as :class:`SharedAccount` tells.

    Raises:
        DeliveryError: If the options name another region or profile than that account's.
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
        account: SharedAccount | None = None,
    ) -> None:
        self.config = config
        remote = config.options.remote
        self._shared = account
        if account is not None:
            account.check(remote.region, remote.profile)
        self._account = account or SharedAccount(remote.region, remote.profile, session, pacing, CallRates({}))
        self.pacing, self.aws, self.interrupted = self._account.pacing, self._account.aws, self._account.interrupted
        self._client = client
        self._submission = secrets.token_hex(8)
        self._sent: dict[str, bool] = {}  # whether it is known that they were created
        self._delivery = RemoteDelivery(config, self.aws, lambda: self.client, account)

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
            repository = self._delivery.repository_name
            image = f"{repository}@{UNKNOWN_DIGEST}"
            request = target.build_request(self.config, job_id, image)
            return RemotePlan(request, (), repository, tuple(left_out), target.notes)
        with temporary_folder() as folder:
            package = self.config.packaging.make_package(folder)
            place, uploads = self._delivery.plan_code(target, package)
            request = target.build_request(
                self.config, job_id, target.ready_image, code=place, entrypoint=build_entrypoint()
            )
            is_there = not target.notes
            kms_key = self.config.options.remote.kms_key
            missing = [each for each, _ in find_missing(self.aws, uploads, kms_key)] if is_there else uploads
            sizes = [(each.path.name, str(each.place), each.path.stat().st_size) for each in missing]
        return RemotePlan(request, tuple(sizes), None, tuple(left_out), target.notes)

    def prepare(self) -> None:
        """Builds and pushes the image, or uploads the package; :meth:`submit` finds them there then.

        Raises:
            DeliveryError: As :meth:`submit` does.
        """
        self._delivery.deliver(self._delivery.find_target(self.build_job_id()))

    def submit(self, job_id: str | None = None, listener: Listener | None = None) -> str:
        """Starts the job.

        Raises:
            DeliveryError: If it cannot be started; nothing is left running then.
            KeyboardInterrupt: Likewise, if :attr:`interrupted` is set.
        """
        job_id = job_id or self.build_job_id()
        self.aws.pause(0)  # whoever is interrupted begins nothing
        target = self._delivery.find_target(job_id)
        with self._account.rates.interruptible():
            check_is_free(self.aws, job_id)
        there = self._delivery.deliver(target)
        request = target.build_request(
            self.config,
            job_id,
            there.image,
            code=there.code,
            entrypoint=there.entrypoint,
            submission=self._submission,
        )
        _, left_out = build_metric_definitions(self.config.job.task.get_metric_names())
        if left_out:
            Logger.warning(f"SageMaker takes 40 metrics; its console will not show {', '.join(left_out)}")
        self._sent[job_id] = False
        try:
            create_job(self.aws, request, self.config.options.remote.queue_seconds, self.pacing.create_seconds)
        except (DeliveryError, WaitInterruptedError):
            del self._sent[job_id]  # there is none, or it is another's
            raise
        self._sent[job_id] = True
        Logger.info(f"Created the training job {job_id}: {self.console_url(job_id)}")
        return job_id

    def has_submitted(self, job_id: str) -> bool:
        if job_id not in self._sent:
            return False
        if self._shared is not None and self._sent[job_id]:
            return True
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
        look = self._wait_for_news if follow else self._describe
        log = CloudWatchLog(
            self.aws,
            job_id,
            lambda: look(job_id),
            all_hosts,
            self.pacing,
            self._account.count_followers,
            None if self._shared is None else lambda: self._describe(job_id),
        )
        return skip_bytes(self._follow(log) if follow else log.follow(follow=False), position)

    def _follow(self, log: CloudWatchLog) -> Iterator[LogEvent]:
        with self._account.following():
            yield from log.follow()

    def status(self, job_id: str) -> JobState:
        return build_remote_state(self._glance(job_id))

    def cancel(self, job_id: str) -> None:
        self.kill(job_id)
        while not self._glance(job_id).is_final:
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

    def find_dataset(self, job_id: str) -> StoredDataset | None:
        uri = self._describe(job_id).dataset_uri
        return find_remote_dataset(self.aws, uri) if uri else None

    def console_url(self, job_id: str) -> str:
        """Where AWS's console shows a job."""
        return build_console_url(job_id, self.aws.region, self.aws.partition)

    def _describe(self, job_id: str) -> JobDescription:
        """All that is to be known of a job."""
        return self._look(job_id, self._account.board.describe)

    def _glance(self, job_id: str) -> JobDescription:
        """How it stands."""
        return self._look(job_id, self._account.board.glance)

    def _wait_for_news(self, job_id: str) -> JobDescription:
        """What there is time to find out."""
        return self._look(job_id, self._account.board.wait_for_news)

    def _look(self, job_id: str, ask: Callable[[str], JobDescription | None]) -> JobDescription:
        def look() -> JobDescription | None:
            return describe_job(self.aws, job_id)

        job = self.aws.follow(job_id, look) if self._shared is None else ask(job_id)
        if job is None:
            raise DeliveryError(
                f"there is no job {job_id!r} in {self.aws.region} of account {self.aws.account}; check the id, region "
                "and profile"
            )
        return job
