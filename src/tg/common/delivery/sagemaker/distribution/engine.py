"""What an engine's processes on one host are: their commands and variables."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..contract.cluster import TORCHRUN, Cluster, Distribution, format_owner
from ..contract.variables import (
    CLIENT_ROLE,
    RANK_ROLE,
    ROLE_VARIABLE,
    SCHEDULER_ROLE,
    TRAIN_ARGUMENT,
    WORKER_ROLE,
)

# Where a process finds the FIFOs for its output.
OUTPUT_VARIABLE = "TG_OUTPUT"
# Starts a program that ends with this process, even if that is killed.
_TOGETHER = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execvp(sys.argv[1], sys.argv[1:])"


@dataclass(frozen=True)
class EngineProcess:
    """A process of an engine.

    Attributes:
        command: Its command.
        name: What its own output is called.
        variables: Its variables besides the job's.
        is_daemon: Whether it only serves the others, and ends when these have.
    """

    command: Sequence[str]
    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    is_daemon: bool = False


def list_roles(cluster: Cluster, distribution: Distribution) -> list[str]:
    """Lists what the processes do that an engine has on a host; the others end with the first one."""
    if distribution.kind == TORCHRUN:
        return [RANK_ROLE] * distribution.processes_per_host
    if not cluster.is_leader:
        return [WORKER_ROLE]
    # One machine is its own worker.
    return [CLIENT_ROLE, SCHEDULER_ROLE, *([WORKER_ROLE] if len(cluster.hosts) == 1 else [])]


def build_processes(
    cluster: Cluster, distribution: Distribution, program: Sequence[str], address: str, port: int
) -> list[EngineProcess]:
    """Builds the processes of an engine on one host, in the order of their start.

    Args:
        cluster: The hosts.
        distribution: The engine.
        program: The command of the job.
        address: The leader's address.
        port: The port of the rendezvous or the scheduler there.
    """
    network = {
        "GLOO_SOCKET_IFNAME": cluster.interface,
        "NCCL_SOCKET_IFNAME": cluster.interface,
        "TP_SOCKET_IFNAME": cluster.interface,
    }
    if distribution.kind == TORCHRUN:
        return [_build_torchrun(cluster, distribution, program, address, port, network)]
    scheduler = {"DASK_SCHEDULER_ADDRESS": f"tcp://{address}:{port}"}

    def build(role: str, is_daemon: bool = False) -> EngineProcess:
        # Our own program lets all of them import the task's modules.
        return EngineProcess([*program, TRAIN_ARGUMENT], role, {**scheduler, ROLE_VARIABLE: role}, is_daemon)

    daemons = list_roles(cluster, distribution)[1:]
    return [*(build(each, is_daemon=True) for each in daemons), build(list_roles(cluster, distribution)[0])]


def _build_torchrun(
    cluster: Cluster,
    distribution: Distribution,
    program: Sequence[str],
    address: str,
    port: int,
    variables: Mapping[str, str],
) -> EngineProcess:
    *_, run_file = program
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        f"--nnodes={len(cluster.hosts)}",
        f"--nproc-per-node={distribution.processes_per_host}",
        f"--node-rank={cluster.number}",
        f"--master-addr={address}",
        f"--master-port={port}",
        "--max-restarts=0",
        run_file,
        TRAIN_ARGUMENT,
    ]
    return EngineProcess(command, "torchrun", {**variables, ROLE_VARIABLE: RANK_ROLE})


def ending_together(command: Sequence[str]) -> list[str]:
    """Returns a command whose process ends when the one that starts it has ended, even by SIGKILL, on Linux."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", "-c", _TOGETHER, *command]


def name_outputs(cluster: Cluster, distribution: Distribution) -> dict[str, bytes]:
    """Says whose output each FIFO of a host takes, by the FIFO's name, as its lines do."""
    roles = list_roles(cluster, distribution)
    if distribution.kind == TORCHRUN:
        first = cluster.number * len(roles)
        names = [f"rank {first + number}" for number in range(len(roles))]
        return {str(number): format_owner(cluster.host, name) for number, name in enumerate(names)}
    return {each: format_owner(cluster.host, each) for each in roles}


def name_member(cluster: Cluster, distribution: Distribution, rank: int) -> str:
    """Names the folder of what a process makes; empty for the first one."""
    if rank == 0:
        return ""
    return cluster.host if distribution.processes_per_host == 1 else f"{cluster.host}/rank-{rank}"
