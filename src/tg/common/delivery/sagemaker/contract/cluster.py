"""The machines of a job, and how they train together."""

import json
import re
from dataclasses import asdict, dataclass

from ....errors import DeliveryError, listed
from .ml_folder import LEADER, RESOURCES_NAME, MlFolder

TORCHRUN, DASK = "torchrun", "dask"
_KINDS = (TORCHRUN, DASK)
# What lines begin with that are not of the first process.
_OTHER = re.compile(rb"algo-\d+ (?:rank \d+|torchrun|client|worker|scheduler) \| ")


@dataclass(frozen=True)
class Distribution:
    """The engine by which several machines train together.

    Attributes:
        kind: ``torchrun``, which runs the task on all of them, or ``dask``, whose workers they are.
        processes_per_host: In how many processes torchrun runs the task on each machine.

    Raises:
        DeliveryError: If a value is invalid.
    """

    kind: str
    processes_per_host: int = 1

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise DeliveryError(f"distribution.kind is {self.kind!r}; give one of {listed(_KINDS)}")
        count = self.processes_per_host
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise DeliveryError(f"distribution.processes_per_host is {count!r}; give 1 or more")
        if self.kind == DASK and count != 1:
            raise DeliveryError(
                f"distribution.processes_per_host is {count} with dask, whose workers are one a machine; leave it out"
            )


def format_distribution(distribution: Distribution) -> str:
    """Formats a distribution for the variable of a job."""
    return json.dumps(asdict(distribution))


def parse_distribution(text: str) -> Distribution:
    """Parses what :func:`format_distribution` has formatted."""
    return Distribution(**json.loads(text))


@dataclass(frozen=True)
class Cluster:
    """The machines of a job, as one of them sees them.

    Attributes:
        hosts: Their names; the first one is the leader.
        host: This one's name.
        interface: The network interface by which they reach each other.
    """

    hosts: tuple[str, ...] = (LEADER,)
    host: str = LEADER
    interface: str = "eth0"

    @property
    def leader(self) -> str:
        """The first machine."""
        return self.hosts[0]

    @property
    def is_leader(self) -> bool:
        """Whether this is the first machine."""
        return self.host == self.leader

    @property
    def number(self) -> int:
        """The machine's place among all, from 0 on."""
        return self.hosts.index(self.host)


def read_cluster(folder: MlFolder) -> Cluster:
    """Reads the machines of a job from ``resourceconfig.json``; without that file, it has one."""
    try:
        content = json.loads((folder.config / RESOURCES_NAME).read_bytes())
        hosts = tuple(sorted(content["hosts"], key=_host_order))
        cluster = Cluster(hosts, content["current_host"], content.get("network_interface_name", "eth0"))
    except (OSError, ValueError, KeyError, TypeError):
        return Cluster()
    return cluster if cluster.host in hosts else Cluster()


def format_owner(host: str, process: str) -> bytes:
    """Formats whose line of a log it is that this stands before, such as ``algo-2 rank 3 | ``."""
    return f"{host} {process} | ".encode()


def is_of_other(line: bytes) -> bool:
    """Returns whether a line of a log is of another process than the first one of those that train together."""
    return _OTHER.match(line) is not None


def _host_order(name: str) -> tuple[str, int]:
    """Sorts algo-10 behind algo-9."""
    match = re.fullmatch(r"(.*?)(\d*)", name)
    return (name, 0) if match is None else (match[1], int(match[2] or 0))
