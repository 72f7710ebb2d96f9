"""What a process that an engine has started does first: it finds its output and its folder."""

import os
import sys
from pathlib import Path

from ..contract.cluster import parse_distribution, read_cluster
from ..contract.variables import DISTRIBUTION_VARIABLE, MEMBER_VARIABLE, ROLE_VARIABLE, find_ml_folder
from .engine import CLIENT_ROLE, OUTPUT_VARIABLE, RANK_ROLE, SCHEDULER_ROLE, WORKER_ROLE, name_member

_PR_SET_PDEATHSIG, _SIGKILL = 1, 9


def is_distributed() -> bool:
    """Returns whether this process is a host's first one, which starts an engine."""
    return DISTRIBUTION_VARIABLE in os.environ and ROLE_VARIABLE not in os.environ


def is_of_dask() -> bool:
    """Returns whether this process runs no task, but what Dask needs for one."""
    return os.environ.get(ROLE_VARIABLE) in (SCHEDULER_ROLE, WORKER_ROLE)


def enter_role() -> None:
    """Turns this process into what its variables say; does nothing for a job on one host, and for a host's first one.

    Its output goes to a FIFO of its own, which outlives it.
    """
    role = os.environ.get(ROLE_VARIABLE)
    if role is None:
        return
    _end_with_parent()
    cluster = read_cluster(find_ml_folder())
    output = role
    if role == RANK_ROLE:
        distribution = parse_distribution(os.environ[DISTRIBUTION_VARIABLE])
        output = os.environ["LOCAL_RANK"]
        os.environ[MEMBER_VARIABLE] = name_member(cluster, distribution, int(os.environ["RANK"]))
    elif role != CLIENT_ROLE:
        os.environ[MEMBER_VARIABLE] = (
            cluster.host if role == WORKER_ROLE and not cluster.is_leader else f"{cluster.host}/{role}"
        )
    stream = os.open(Path(os.environ[OUTPUT_VARIABLE], output), os.O_WRONLY)
    for number in (1, 2):
        os.dup2(stream, number)
    os.close(stream)


def _end_with_parent() -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
