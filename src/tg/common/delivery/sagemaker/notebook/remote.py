"""A training on SageMaker, for notebooks."""

import threading
from typing import Any

from ...delivery.image.docker_client import DockerClient
from ..aws.session import AwsSession
from ..executor.config import SagemakerConfig
from ..remote.pacing import Pacing
from ..remote.plan import RemotePlan
from ..remote.remote_executor import RemoteExecutor
from ..remote.shared_account import AccountOptions, SharedAccount
from .configured_executor import ConfiguredExecutor


class SagemakerRemoteExecutor(ConfiguredExecutor[RemoteExecutor]):
    """Trains on SageMaker, in an image that is built here and pushed, or in a ready-made one.

    Args:
        config: What is trained, and how it is delivered.
        session: A ``boto3.Session``, or a function that makes one and is called again when credentials have expired;
            by default one of the profile and the region in the options.
        client: The connection to the Docker daemon that builds and pushes images; by default made from the options.
        pacing: How often jobs are polled.
        account: An account that other executors use, too, when many jobs are trained at the same time; ``session`` and
            ``pacing`` are its own then.

    Raises:
        DeliveryError: If the options name another region or profile than that account's.
    """

    def __init__(
        self,
        config: SagemakerConfig,
        session: Any = None,
        client: DockerClient | None = None,
        pacing: Pacing | None = None,
        account: SharedAccount | None = None,
    ) -> None:
        remote = config.options.remote
        options = AccountOptions(remote.region, remote.profile, remote.metrics_from)
        super().__init__(config, RemoteExecutor(options, session, client, pacing, account))

    @property
    def aws(self) -> AwsSession:
        """The account."""
        return self.executor.aws

    @property
    def pacing(self) -> Pacing:
        """How often jobs are polled."""
        return self.executor.pacing

    @property
    def client(self) -> DockerClient:
        """The Docker daemon that builds and pushes images; the connection is made on first use."""
        return self.executor.connect(self.config.options.docker_host)

    @property
    def interrupted(self) -> threading.Event:
        """An event that ends all waiting, as :class:`SharedAccount` describes."""
        return self.executor.aws.interrupted

    def plan(self, job_id: str | None = None) -> RemotePlan:
        """Checks all that :meth:`submit` checks and describes what it would do; creates and sends nothing.

        Raises:
            DeliveryError: As :meth:`submit` does.
        """
        return self.executor.describe(self.executor.plan(self.config, job_id))

    def upload_dataset(self) -> str:
        """Uploads the dataset to S3, with progress; files with the same content are not sent again.

        Returns:
            Its address.

        Raises:
            DatasetError: If there is no dataset here.
            DeliveryError: If S3 refuses it.
        """
        return self.executor.upload_dataset(self.config.options)

    def console_url(self, job_id: str) -> str:
        """Returns the address of a job in AWS's console."""
        return self.executor.console_url(job_id)
