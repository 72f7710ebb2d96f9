"""What a process that an engine has started does first: it finds its output and its folder."""

import os
import sys
from pathlib import Path

from ..contract.cluster import parse_distribution, read_cluster
from ..contract.variables import DISTRIBUTION_VARIABLE, MEMBER_VARIABLE, ROLE_VARIABLE, find_ml_folder
from .engine import OUTPUT_VARIABLE, RANK_ROLE, WORKER_ROLE, name_member

_PR_SET_PDEATHSIG, _SIGKILL = 1, 9


def is_distributed() -> bool:
    """Returns whether this process is a host's first one, which starts an engine."""
    return DISTRIBUTION_VARIABLE in os.environ and ROLE_VARIABLE not in os.environ


def is_dask_worker() -> bool:
    """Returns whether this process runs no task, but parts of one that it gets from the scheduler."""
    return os.environ.get(ROLE_VARIABLE) == WORKER_ROLE


def enter_role() -> None:
    """Turns this process into what its variables say; does nothing for a job on one host, and for a host's first one.

    Its output goes to a FIFO of its own, which outlives it.
    """
    role = os.environ.get(ROLE_VARIABLE)
    if role is None:
        return
    _end_with_parent()
    cluster = read_cluster(find_ml_folder())
    local_rank = "0"
    if role == RANK_ROLE:
        distribution = parse_distribution(os.environ[DISTRIBUTION_VARIABLE])
        local_rank = os.environ["LOCAL_RANK"]
        os.environ[MEMBER_VARIABLE] = name_member(cluster, distribution, int(os.environ["RANK"]))
    elif role == WORKER_ROLE:
        # The one of a leader that is alone stands beside its client.
        os.environ[MEMBER_VARIABLE] = f"{cluster.host}-worker" if cluster.is_leader else cluster.host
        local_rank = "worker" if cluster.is_leader else "0"
    output = os.open(Path(os.environ[OUTPUT_VARIABLE], local_rank), os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)


def _end_with_parent() -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
