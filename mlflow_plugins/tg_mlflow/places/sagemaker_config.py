"""The keys of the place ``tg-sagemaker``."""

import re
from typing import Any

from pydantic import Field

from tg.common.delivery.sagemaker import RemoteOptions
from tg_mlflow.places.config import JobConfig, Section
from tg_mlflow.places.distribution_config import DistributedConfig
from tg_mlflow.places.image_config import ImageConfig
from tg_mlflow.places.option_fields import build_option_model

# A job's tags are those of its run, a key of every place. Type checkers do not see these keys.
_JobKeys: Any = build_option_model("_JobKeys", RemoteOptions, Section, __name__, leave_out=("tags",))


class RemoteConfig(_JobKeys, DistributedConfig, JobConfig, ImageConfig):  # type: ignore[misc]
    """Keys of the place ``tg-sagemaker``: the fields of :class:`RemoteOptions`, and these.

    Attributes:
        role: The job's AWS role, by its ARN or name; by default that of ``AWS_ROLE``.
        bucket: The bucket of ``sagemaker/<project_name>/datasets`` and ``…/output``; by default SageMaker's own.
        dry_run: Whether the command only prints, as JSON, the request, what would be uploaded and pushed, and the
            price, if known; it creates no run.
        usd_per_hour: What one machine costs an hour, in place of AWS's list price, as after a discount or where the
            price list cannot be read.
    """

    place = "tg-sagemaker"

    role: str | None = None
    bucket: str | None = None
    dry_run: bool = False
    usd_per_hour: float | None = Field(default=None, gt=0)

    @property
    def has_gpus(self) -> bool:
        return re.match(r"ml\.[gp]\d", self.instance_type) is not None
