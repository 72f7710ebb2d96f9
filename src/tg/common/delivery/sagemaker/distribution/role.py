"""What a process that an engine has started does first: it finds its output and its folder."""

import os
import sys
from pathlib import Path

from ..contract.cluster import parse_distribution, read_cluster
from ..contract.variables import (
    CLIENT_ROLE,
    DISTRIBUTION_VARIABLE,
    MEMBER_VARIABLE,
    RANK_ROLE,
    ROLE_VARIABLE,
    find_ml_folder,
)
from .engine import OUTPUT_VARIABLE, name_member

_PR_SET_PDEATHSIG, _SIGKILL = 1, 9


def enter_role() -> None:
    """Turns this process into what its variables say.

    Its output goes to a FIFO of its own, which outlives it.
    """
    role = os.environ[ROLE_VARIABLE]
    _end_with_parent()
    cluster = read_cluster(find_ml_folder())
    output = role
    if role == RANK_ROLE:
        distribution = parse_distribution(os.environ[DISTRIBUTION_VARIABLE])
        output = os.environ["LOCAL_RANK"]
        os.environ[MEMBER_VARIABLE] = name_member(cluster, distribution, int(os.environ["RANK"]))
    elif role != CLIENT_ROLE:
        os.environ[MEMBER_VARIABLE] = f"{cluster.host}/{role}" if cluster.is_leader else cluster.host
    stream = os.open(Path(os.environ[OUTPUT_VARIABLE], output), os.O_WRONLY)
    for number in (1, 2):
        os.dup2(stream, number)
    os.close(stream)


def _end_with_parent() -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
