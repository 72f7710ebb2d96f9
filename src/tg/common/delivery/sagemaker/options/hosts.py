"""Several machines that train together: which options go together, and what their jobs are told."""

from pathlib import Path

from ....errors import DeliveryError
from ..contract.cluster import Distribution, format_distribution
from ..contract.variables import DISTRIBUTION_VARIABLE, JOINED_LOG_VARIABLE, LOCAL_HOSTS_VARIABLE
from .remote_options import RemoteOptions

_ENGINES = '{"kind": "torchrun"} or {"kind": "dask"}'


def check_hosts(hosts: int, distribution: Distribution | None, network: str | None, remote: RemoteOptions) -> None:
    """Refuses several machines that nothing lets train together.

    Args:
        hosts: How many machines the place plays.
        distribution: The engine by which they train together.
        network: The network that is given for them.
        remote: The options of a training on SageMaker.

    Raises:
        DeliveryError: If there is no distribution for them, or it cannot be had with another option.
    """
    if isinstance(hosts, bool) or not isinstance(hosts, int) or hosts < 1:
        raise DeliveryError(f"hosts is {hosts!r}; give 1 or more")
    for name, count in (("hosts", hosts), ("instance_count", remote.instance_count)):
        if count > 1 and distribution is None:
            raise DeliveryError(
                f"{name} is {count}, and the task does not say how it trains on several machines; give distribution, "
                f"such as {_ENGINES}, or {name} 1"
            )
    if hosts > 1 and network is not None:
        raise DeliveryError(
            f"network is {network!r} with hosts {hosts}, which have a network of their own; leave it out"
        )
    if distribution is not None and remote.metrics_from != "leader":
        raise DeliveryError(
            f"metrics_from is {remote.metrics_from!r} with distribution; the metrics are those of its first process: "
            "leave it out"
        )


def build_host_variables(
    distribution: Distribution | None, hosts: int, local_hosts: Path | None = None
) -> dict[str, str]:
    """Builds the variables that tell a job how its hosts train together.

    Args:
        distribution: The engine by which they do.
        hosts: How many machines the place plays.
        local_hosts: The folders of the other hosts, where these are processes that the leader starts.
    """
    if distribution is None:
        return {}
    return {
        DISTRIBUTION_VARIABLE: format_distribution(distribution),
        **({} if hosts == 1 else {JOINED_LOG_VARIABLE: "1"}),
        **({} if local_hosts is None else {LOCAL_HOSTS_VARIABLE: str(local_hosts)}),
    }
