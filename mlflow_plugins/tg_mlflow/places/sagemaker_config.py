"""The keys of the place ``tg-sagemaker``."""

import re

from pydantic import Field

from tg_mlflow.places.config import JobConfig, Section
from tg_mlflow.places.image_config import ImageConfig


class VpcConfig(Section):
    """The network of one's own that a job on SageMaker runs in.

    Attributes:
        subnets: Ids of subnets.
        security_group_ids: Ids of security groups.
    """

    subnets: list[str]
    security_group_ids: list[str]


class RemoteConfig(JobConfig, ImageConfig):
    """Keys of the place ``tg-sagemaker``; :class:`RemoteOptions` explains those that are not explained here.

    Attributes:
        role: The job's AWS role, by its ARN or name; by default what ``AWS_ROLE`` says.
        bucket: Where data and results are; by default SageMaker's own bucket.
        dry_run: Whether the command only says what it would send to AWS.
    """

    place = "tg-sagemaker"

    role: str | None = None
    bucket: str | None = None
    dry_run: bool = False
    region: str | None = None
    profile: str | None = None
    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    volume_gb: int = 30
    max_run_seconds: int = 86_400
    max_wait_seconds: int | None = None
    spot: bool = False
    checkpoints: bool | str = False
    vpc: VpcConfig | None = None
    network_isolation: bool = False
    encrypt_inter_container_traffic: bool = False
    kms_key: str | None = None
    keep_alive_seconds: int | None = None
    retry_attempts: int | None = None
    job_name: str | None = None
    image_uri: str | dict[str, str] | None = None
    image_repository: str | None = None
    metrics_from: str = "leader"
    queue_seconds: float = 3600
    fallback_instance_types: list[str] = Field(default_factory=list)

    @property
    def has_gpus(self) -> bool:
        return re.match(r"ml\.[gp]\d", self.instance_type) is not None
