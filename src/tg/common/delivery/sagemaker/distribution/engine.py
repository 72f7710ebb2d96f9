"""What an engine's processes on one host are: their commands and variables."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..contract.cluster import TORCHRUN, Cluster, Distribution
from ..contract.variables import ROLE_VARIABLE, TRAIN_ARGUMENT

# What the processes of a host do.
RANK_ROLE, CLIENT_ROLE, WORKER_ROLE = "rank", "client", "dask-worker"
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
    common = {
        "GLOO_SOCKET_IFNAME": cluster.interface,
        "NCCL_SOCKET_IFNAME": cluster.interface,
        "TP_SOCKET_IFNAME": cluster.interface,
    }
    if distribution.kind == TORCHRUN:
        return [_build_torchrun(cluster, distribution, program, address, port, common)]
    scheduler = f"tcp://{address}:{port}"
    common = {"DASK_SCHEDULER_ADDRESS": scheduler}
    network = ["--interface", cluster.interface]
    worker = EngineProcess(
        [*program, TRAIN_ARGUMENT],
        "worker",
        {**common, ROLE_VARIABLE: WORKER_ROLE},
        is_daemon=cluster.is_leader,
    )
    if not cluster.is_leader:
        return [worker]
    serve = [sys.executable, "-m", "distributed.cli.dask_scheduler", *network, "--port", str(port), "--no-dashboard"]
    client = EngineProcess([*program, TRAIN_ARGUMENT], "client", {**common, ROLE_VARIABLE: CLIENT_ROLE})
    return [
        EngineProcess(serve, "scheduler", common, is_daemon=True),
        # One machine is its own worker.
        *([worker] if len(cluster.hosts) == 1 else []),
        client,
    ]


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


def name_process(cluster: Cluster, distribution: Distribution, local_rank: int) -> str:
    """Names one of a host's processes that run the task or help it: ``algo-2 rank 3``."""
    if distribution.kind == TORCHRUN:
        return f"{cluster.host} rank {cluster.number * distribution.processes_per_host + local_rank}"
    return f"{cluster.host} {'client' if cluster.is_leader else 'worker'}"


def name_member(cluster: Cluster, distribution: Distribution, rank: int) -> str:
    """Names the folder of what a process makes; empty for the first one."""
    if rank == 0:
        return ""
    return cluster.host if distribution.processes_per_host == 1 else f"{cluster.host}/rank-{rank}"
