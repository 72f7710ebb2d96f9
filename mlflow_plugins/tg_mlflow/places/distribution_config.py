"""The keys of places where several machines can train together."""

from typing import Literal

from pydantic import Field

from tg.common.delivery.sagemaker.contract.cluster import Distribution
from tg_mlflow.places.config import Section


class DistributionConfig(Section):
    """The engine by which several machines train together.

    Attributes:
        kind: ``torchrun`` runs the task on all machines, ``dask`` on the first one, whose workers the others are.
        processes_per_host: In how many processes torchrun runs the task on each machine.
    """

    kind: Literal["torchrun", "dask"]
    processes_per_host: int = Field(default=1, gt=0)

    def build(self) -> Distribution:
        """Builds the option of a job."""
        return Distribution(self.kind, self.processes_per_host)


class DistributedConfig(Section):
    """Keys of places that have several machines.

    Attributes:
        distribution: The engine by which several machines train together, as ``{"kind": "torchrun"}``.
    """

    distribution: DistributionConfig | None = None


class HostsConfig(DistributedConfig):
    """Keys of places that play several machines.

    Attributes:
        hosts: How many machines train together: containers on a network of the job's own, or processes here.
    """

    hosts: int = Field(default=1, gt=0)
