"""Runs jobs on SageMaker."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ....errors import DeliveryError, JobMissingError, JobUnreachableError, ResultArchiveError
from ....logger import Logger
from ...delivery.image.docker_client import DockerClient, connect
from ..archive.result_archive import ResultArchive
from ..aws.call_rates import CallRates, WaitInterruptedError
from ..aws.s3_folder import fetch_folder, send_folder
from ..aws.s3_location import S3Location
from ..contract.log_event import LogEvent, skip_bytes
from ..executor.config import SagemakerConfig
from ..executor.executor import Executor
from ..executor.job_request import JobRequest
from ..executor.job_state import JobFacts, JobState
from ..executor.log_tail import Listener
from ..executor.stored_dataset import StoredDataset
from ..executor.traits import Traits
from ..executor.unknown_states import UnknownStates
from ..executor.usage import Usage
from ..job_files.job_folder import JobFolder
from ..options.options import SagemakerOptions
from .cloudwatch_log import CloudWatchLog
from .dataset import find_remote_dataset, upload_dataset
from .delivery import RemoteDelivery
from .facts import build_console_url, build_facts
from .pacing import Pacing
from .plan import RemotePlan, plan_job
from .result import fetch_log_size, fetch_result, find_result
from .shared_account import AccountOptions, SharedAccount
from .state import JobDescription, build_remote_state
from .target import check_is_free
from .training_job import create_job, describe_job, stop_job
from .training_request import build_metric_definitions
from .usage import RemoteUsage


class RemoteExecutor(Executor):
    """Runs jobs on SageMaker, in an image that is built here and pushed, or in a ready-made one.

    A job's id is its name there. All queries about a job go to AWS; nothing of it is kept here but the result archive,
    once fetched, and in a shared account its end.

    Args:
        options: The account, and options of all jobs; by default those of the environment.
        session: A ``boto3.Session``, or a function that makes one and is called again when credentials have expired;
            by default one of the profile and the region in the options.
        client: The connection to the Docker daemon that builds and pushes images; by default made from a training's
            options.
        pacing: How often jobs are polled.
        account: An account that other executors use, too, or that caches what many jobs share; it then supplies
            ``session`` and ``pacing``.

    Raises:
        DeliveryError: If the options name another region or profile than that account's.
    """

    traits: Traits = Traits(
        may_queue=True,
        repeats_logs=False,  # what comes late stands before what was read earlier
        needs_credentials=True,
        needs_local_dataset=False,
        keeps_results=True,
        is_found_anywhere=True,
        starts_at_once=True,
        has_own_machine=True,
        takes_checkpoints=True,
    )
    options: AccountOptions

    def __init__(
        self,
        options: AccountOptions | None = None,
        session: Any = None,
        client: DockerClient | None = None,
        pacing: Pacing | None = None,
        account: SharedAccount | None = None,
    ) -> None:
        self.options = options = options or AccountOptions()
        self._shared = account
        if account is not None:
            account.check(options.region, options.profile)
        self._account = account or SharedAccount(options.region, options.profile, session, pacing, CallRates({}))
        self.pacing, self.aws = self._account.pacing, self._account.aws
        self._unknown = UnknownStates("SageMaker", self.pacing.patience_seconds, self.aws.clock.monotonic)
        self._usage = RemoteUsage(self.aws)
        self._client = client
        self._clients: dict[str | None, DockerClient] = {}
        self._lock = threading.Lock()
        self._submission = secrets.token_hex(8)
        self._may_look = False  # whether a job could be looked for
        self._sent: dict[str, bool] = {}  # whether their creation is confirmed
        self._logs: dict[str, CloudWatchLog] = {}  # that were read to their end

    def connect(self, docker_host: str | None) -> DockerClient:
        """Connects to the Docker daemon that builds images, once for each host.

        Raises:
            ContainerError: If it does not answer.
        """
        if self._client is not None:
            return self._client
        with self._lock:
            if docker_host not in self._clients:
                self._clients[docker_host] = connect(docker_host)
            return self._clients[docker_host]

    def plan(self, delivery: SagemakerConfig, job_id: str | None = None) -> JobRequest:
        return super().plan(delivery, job_id or delivery.options.remote.job_name)

    def build_job_id(self, delivery: SagemakerConfig) -> str:
        return delivery.options.remote.job_name or super().build_job_id(delivery)

    def describe(self, request: JobRequest) -> RemotePlan:
        """Runs all checks of :meth:`submit` and describes its effects; creates and sends nothing.

        Raises:
            DeliveryError: As :meth:`submit` does.
        """
        return plan_job(request, self.aws, self._deliver(request.delivery))

    def prepare(self, delivery: SagemakerConfig) -> None:
        """Builds and pushes the image, or uploads the package, which :meth:`submit` then finds.

        Raises:
            DeliveryError: As :meth:`submit` does.
        """
        remote = self._deliver(delivery)
        remote.deliver(remote.find_target(self.build_job_id(delivery)))

    def submit(self, request: JobRequest, listener: Listener | None = None) -> None:
        """Starts a job.

        Raises:
            DeliveryError: If it cannot be started; nothing is left running then.
            JobUnreachableError: If it may have been started, and AWS does not say whether it was.
            KeyboardInterrupt: Likewise, after :meth:`interrupt`.
        """
        job_id, training = request.job_id, request.delivery
        delivery = self._deliver(training)
        self.aws.pause(0)  # after an interrupt, start nothing
        target = delivery.find_target(job_id)
        # No other job has a name that was built for this one; that of the first tells whether one may look.
        if not (request.has_new_id and self._may_look):
            with self._account.rates.interruptible():
                check_is_free(self.aws, job_id)
            self._may_look = True
        there = delivery.deliver(target)
        content = target.build_request(training, job_id, there.image, submission=self._submission, **there.details)
        if training.options.start_checkpoints is not None:
            address = S3Location.parse(content["CheckpointConfig"]["S3Uri"])
            send_folder(self.aws, training.options.start_checkpoints, address, training.options.remote.kms_key)
        _, left_out = build_metric_definitions(training.job.task.get_metric_names())
        if left_out:
            Logger.warning(f"SageMaker takes 40 metrics; its console will not show {', '.join(left_out)}")
        self._sent[job_id] = False
        try:
            create_job(self.aws, content, training.options.remote.queue_seconds, self.pacing.create_seconds)
        except JobUnreachableError:
            raise  # there may be one
        except (DeliveryError, WaitInterruptedError):
            del self._sent[job_id]  # there is none, or it is another's
            raise
        self._sent[job_id] = True
        self.aws.note_job(job_id)
        Logger.info(f"Created the training job {job_id}: {self.console_url(job_id)}")

    def has_submitted(self, job_id: str) -> bool:
        if job_id not in self._sent:
            return False
        if self._shared is not None and self._sent[job_id]:
            return True
        job = self.aws.follow(job_id, lambda: describe_job(self.aws, job_id))
        return job is not None and job.submission == self._submission

    def interrupt(self) -> None:
        """Makes waiting calls raise ``KeyboardInterrupt``, as :attr:`SharedAccount.interrupted` describes."""
        self._account.interrupted.set()

    def upload_dataset(self, options: SagemakerOptions, replaces: bool = True) -> str:
        done = upload_dataset(self.aws, options, replaces=replaces)
        Logger.info(f"The dataset is {done.location} ({done.sent_bytes:,} bytes were sent)")
        return str(done.location)

    def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        look = self._wait_for_news if follow else self._describe
        log = CloudWatchLog(
            self.aws,
            job_id,
            lambda: look(job_id),
            self.options.metrics_from == "all",
            self.pacing,
            self._account.count_followers,
            None if self._shared is None else lambda: self._describe(job_id),
            lambda: fetch_log_size(self.aws, self._describe(job_id)),
        )
        return skip_bytes(self._read(log, follow), position)

    def _read(self, log: CloudWatchLog, follow: bool) -> Iterator[LogEvent]:
        with self._account.following() if follow else nullcontext():
            yield from log.follow(follow)
        self._logs[log.job_id] = log

    def find_missing_log(self, job_id: str, taken_bytes: int) -> str | None:
        if job_id not in self._logs:
            for _ in self.logs(job_id, follow=False):
                continue
        log = self._logs[job_id]
        if taken_bytes < log.read_bytes:
            return f"{taken_bytes:,} of its {log.read_bytes:,} bytes are here"
        return log.find_missing(None if log.has_told() else fetch_log_size(self.aws, self._describe(job_id)))

    def status(self, job_id: str) -> JobState:
        return build_remote_state(self._glance(job_id))

    def cancel(self, job_id: str) -> None:
        self.kill(job_id)
        while not self._glance(job_id).is_final:
            time.sleep(self.pacing.status_seconds)

    def kill(self, job_id: str) -> None:
        """Stops the job without waiting: SageMaker gives every job two minutes to stop."""
        if not self._describe(job_id).is_final:
            self.aws.follow(job_id, lambda: stop_job(self.aws, job_id), waits_for_permission=False)

    def load_result(self, job_id: str) -> ResultArchive:
        job = self._describe(job_id)
        if not job.is_final:
            state = build_remote_state(job)
            raise ResultArchiveError(f"job {job_id!r} is {state.status.value}; wait for its end, or cancel it")
        return ResultArchive.open_complete(fetch_result(self.aws, job))

    def find_checkpoints(self, job_id: str) -> str | None:
        return self._describe(job_id).checkpoints_uri or None

    def fetch_checkpoints(self, address: str, target: Path) -> None:
        fetch_folder(self.aws, S3Location.parse(address), target)

    def discard(self, job_id: str) -> None:
        """Removes a job's fetched files; its objects in AWS stay."""
        self._logs.pop(job_id, None)
        JobFolder.discard(job_id)

    def facts(self, job_id: str) -> JobFacts:
        job = self._describe(job_id)
        result = find_result(self.aws, job) if job.is_final else None
        return build_facts(job, self.aws.region, result, self.aws.clock.time())

    def usage(self, job_id: str, since_ms: int = 0) -> Sequence[Usage]:
        """Reads what CloudWatch has of the job's machines: a point a minute, some minutes late."""
        if not self._usage.is_due(self._glance(job_id)):
            return ()
        return self._usage.read(self._describe(job_id), since_ms)

    def find_dataset(self, job_id: str) -> StoredDataset | None:
        uri = self._describe(job_id).dataset_uri
        return find_remote_dataset(self.aws, job_id, uri) if uri else None

    def console_url(self, job_id: str) -> str:
        """Returns the address of a job in AWS's console."""
        return build_console_url(job_id, self.aws.region, self.aws.partition)

    def _deliver(self, delivery: SagemakerConfig) -> RemoteDelivery:
        return RemoteDelivery(delivery, self.aws, self.connect, self._shared)

    def _describe(self, job_id: str) -> JobDescription:
        """Returns a job's full description."""
        return self._look(job_id, self._account.board.describe)

    def _glance(self, job_id: str) -> JobDescription:
        """Returns a job's state, with less detail."""
        return self._look(job_id, self._account.board.glance)

    def _wait_for_news(self, job_id: str) -> JobDescription:
        """Returns as much of a job's description as the rates allow now."""
        return self._look(job_id, self._account.board.wait_for_news)

    def _look(self, job_id: str, ask: Callable[[str], JobDescription | None]) -> JobDescription:
        def look() -> JobDescription | None:
            return describe_job(self.aws, job_id)

        job = self.aws.follow(job_id, look) if self._shared is None else ask(job_id)
        if job is None:
            raise JobMissingError(
                f"there is no job {job_id!r} in {self.aws.region} of account {self.aws.account}; check the id, region "
                "and profile"
            )
        self._unknown.note(job_id, job.unknown_status)
        return job
