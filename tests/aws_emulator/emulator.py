"""AWS on this machine: the APIs that a training on SageMaker needs, with jobs that really run."""

import json
import secrets
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
from moto.iam.models import iam_backends
from moto.moto_api._internal.models import moto_api_backend

from tests.aws_emulator.api_call import ACCOUNT_ID, ApiCall
from tests.aws_emulator.api_error import ApiError
from tests.aws_emulator.call_record import CallRecord
from tests.aws_emulator.container_training import ContainerTraining
from tests.aws_emulator.ecr_api import EcrApi
from tests.aws_emulator.engine import Engine
from tests.aws_emulator.faults import Faults
from tests.aws_emulator.function_training import FunctionTraining, RunJob
from tests.aws_emulator.gateway import INTERNAL_KEY, ROLE_KEY, Gateway
from tests.aws_emulator.job_runner import JobRunner
from tests.aws_emulator.local_transport import LocalTransport
from tests.aws_emulator.log_events_api import LogEventsApi
from tests.aws_emulator.log_feed import LogFeed
from tests.aws_emulator.machine_metrics_api import MachineMetricsApi
from tests.aws_emulator.pricing_api import PricingApi
from tests.aws_emulator.quota_api import QuotaApi
from tests.aws_emulator.registry import Registry
from tests.aws_emulator.sagemaker_api import SagemakerApi
from tests.aws_emulator.server import Server, make_moto_application
from tests.aws_emulator.storage import Storage
from tests.aws_emulator.training import Training
from tests.aws_emulator.training_job import TrainingJob
from tests.aws_emulator.tuning_api import TuningApi
from tg.common.delivery.sagemaker.aws.clock import Clock

ROLE_NAME = "TrainingRole"
_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
        ],
    }
)
_in_use = threading.Lock()


class AwsEmulator:
    """Serves S3, ECR, STS, IAM, CloudWatch, prices and SageMaker from :meth:`__enter__` to :meth:`__exit__`.

    One at a time in a process, because moto's state is the process's; it begins empty, but for a user and a role.

    Args:
        run_job: What a job does, instead of running an image in a container. No Docker is needed then, there is no
            registry, and images are not looked for.
        region: The one region.
        stop_seconds: How long a job's container has from SIGTERM to SIGKILL.
        threads: How many jobs run at the same time; the others wait in ``Starting``.
        registry: One that is started already and outlives this emulator, which gets a part of its own in it: layers
            that the registry has need not be pushed again. ``None`` for a new one.
        clock: What the times of jobs and calls are taken from.

    Attributes:
        calls: Every call of a client so far.
        role_calls: Every call in a job's role so far: what SageMaker reads and writes in S3.
        faults: What goes wrong from now on.
        machine_metrics: What CloudWatch has of the jobs' machines.
        images: What the daemon knows for images that no registry here has, such as those of AWS, by ``TrainingImage``.
        stop_seconds: As above; it counts for jobs that start later.
        role_arn: A role that SageMaker may assume.
        s3: A boto3 client whose calls are not recorded and meet no faults.
    """

    account_id = ACCOUNT_ID

    def __init__(
        self,
        run_job: RunJob | None = None,
        *,
        region: str = "eu-central-1",
        stop_seconds: float = 120.0,
        threads: int = 64,
        registry: Registry | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self.region = region
        self.calls = CallRecord()
        self.faults = Faults()
        self.machine_metrics = MachineMetricsApi()
        self.images: dict[str, str] = {}
        self.role_arn = f"arn:aws:iam::{ACCOUNT_ID}:role/{ROLE_NAME}"
        self._run_job = run_job
        self.stop_seconds = stop_seconds
        self._threads = threads
        self._shared_registry = registry

    @property
    def url(self) -> str:
        """Where the APIs are."""
        return self._server.url

    @property
    def registry(self) -> Registry:
        """The registry behind ECR; there is none if jobs run without containers."""
        assert self._registry is not None, "jobs without containers need no registry"
        return self._registry

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a client finds this emulator and nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self._access_key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self._access_key.secret_access_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_CONFIG_FILE": str(self._folder / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self._folder / "no-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def __enter__(self) -> "AwsEmulator":
        assert _in_use.acquire(blocking=False), "there is one emulator in this process already"
        self._scratch = tempfile.TemporaryDirectory(prefix="aws-emulator-")
        self._folder = Path(self._scratch.name)
        self._registry: Registry | None = None
        self._engine: Engine | None = None
        texts: dict[bytes, bytes] = {}
        try:
            moto_api_backend.reset()
            if self._run_job is None:
                owner = secrets.token_hex(8)
                self._engine = Engine(owner)
                self._registry = self._shared_registry or self._start_registry()
                folder = self._registry.name_folder() if self._shared_registry else ""
                self._ecr = EcrApi(self.region, self._registry, folder)
                address = f"{ACCOUNT_ID}.dkr.ecr.{self.region}.amazonaws.com/"
                texts = {address.encode(): self._ecr.address.encode()}
            self._serve(texts)
        except BaseException:
            self._release()
            raise
        return self

    def _start_registry(self) -> Registry:
        registry = Registry(self._folder)
        registry.start()
        return registry

    def _serve(self, texts: dict[bytes, bytes]) -> None:
        self._feed = LogFeed(self.region, self.faults)
        self._runner = JobRunner(self._make_training, self.faults, self._threads, self._clock)
        self._sagemaker = SagemakerApi(self.region, self.faults, self._check, self._runner.submit, self._clock)
        self._tuning = TuningApi(self.region, self._sagemaker.create)
        handlers = {
            **self._sagemaker.handlers,
            **self._tuning.handlers,
            **PricingApi().handlers,
            **QuotaApi(self.faults).handlers,
            **self.machine_metrics.handlers,
            "logs:GetLogEvents": LogEventsApi(self.region, self.faults).get_log_events,
            **({} if self._registry is None else self._ecr.handlers),
        }
        self._gateway = gateway = Gateway(
            make_moto_application(), handlers, self.calls, self.faults, texts, self._clock
        )
        iam = iam_backends[ACCOUNT_ID]["aws"]
        gateway.caller_arn = iam.create_user(self.region, "trainer").arn
        self._access_key = iam.create_access_key("trainer")
        iam.create_role(ROLE_NAME, _TRUST, "/", None, "", [], "3600")
        self.role_calls: list[ApiCall] = gateway.role_calls
        self._server = Server(gateway)
        self._server.start()
        self.s3 = self._make_s3_client(INTERNAL_KEY)
        self._storage = Storage(self._make_s3_client(ROLE_KEY))

    def _make_s3_client(self, key: str) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=key,
            aws_secret_access_key=key,
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._tuning.close()
        for job in list(self._sagemaker.jobs.values()):
            job.abandon()
        self._runner.close()
        self._server.close()
        self._feed.close()
        self._release()
        if error is None and self._runner.errors:
            raise self._runner.errors[0]

    def _release(self) -> None:
        if self._engine is not None:
            self._engine.remove_all(None if self._registry is None else self._registry.address)
            self._engine.close()
        if self._registry is not None and self._shared_registry is None:
            self._registry.close()
        self._scratch.cleanup()
        _in_use.release()

    def make_session(self) -> boto3.Session:
        """Makes a session whose calls reach the APIs without a network, in the caller's thread."""
        session = boto3.Session()
        session.events.register("before-send", LocalTransport(self._gateway))
        return session

    def create_bucket(self, name: str) -> str:
        """Makes a bucket in the region, and returns its name."""
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": self.region})
        return name

    def job(self, name: str) -> TrainingJob:
        """Finds a job."""
        return self._sagemaker.find(name)

    @property
    def jobs(self) -> list[TrainingJob]:
        """All jobs, in the order in which they were created."""
        return list(self._sagemaker.jobs.values())

    def stop_job(self, name: str) -> None:
        """Stops a job as if somebody did so in the console."""
        self.job(name).request_stop()

    def interrupt_job(self, name: str) -> None:
        """Reclaims the instances of a job, as AWS does with spot instances: its container is killed."""
        self.job(name).interrupt()

    def deliver_logs(self) -> None:
        """Ends the delay of all events that ``faults.log_delay_seconds`` holds back."""
        self._feed.deliver_all()

    def wait_for_status(self, name: str, *statuses: str, timeout_seconds: float = 60.0) -> dict[str, Any]:
        """Waits until a job has one of the statuses or secondary statuses, and describes it."""
        job = self.job(name)
        reached = job.wait_until(lambda: job.status in statuses or job.secondary_status in statuses, timeout_seconds)
        assert reached, f"job {name!r} is {job.status}/{job.secondary_status}, not {statuses}"
        return job.describe()

    def _check(self, request: dict[str, Any]) -> None:
        role = request["RoleArn"]
        if role not in {each.arn for each in iam_backends[ACCOUNT_ID]["aws"].roles.values()}:
            raise ApiError(
                "ValidationException",
                f"Could not assume role {role}. Please ensure that the role exists and allows principal "
                "'sagemaker.amazonaws.com' to assume the role.",
            )
        self._storage.check_inputs(request)
        image = request["AlgorithmSpecification"].get("TrainingImage")
        if self._registry is not None and image not in self.images:
            self._ecr.check_image(str(image), role)

    def _make_training(self, job: TrainingJob) -> Training:
        if self._run_job is not None:
            return FunctionTraining(job, self._run_job, self._feed, self._clock)
        assert self._engine is not None
        assert self._registry is not None
        return ContainerTraining(
            job,
            self._engine,
            self._storage,
            self._feed,
            self.images,
            self._registry.login,
            self.stop_seconds,
        )
