"""Starts a host's part of a training on several hosts."""

import importlib.util
import os
import secrets
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from ....errors import TgError
from ..contract.cluster import DASK, TORCHRUN, Cluster, Distribution, parse_distribution, read_cluster
from ..contract.ml_folder import MlFolder
from ..contract.variables import (
    DISTRIBUTION_VARIABLE,
    JOB_NAME_VARIABLE,
    JOINED_LOG_VARIABLE,
    LOCAL_HOSTS_VARIABLE,
    ML_FOLDER_VARIABLE,
    TRAIN_ARGUMENT,
    WORK_FOLDER_VARIABLE,
)
from .connection import Connection
from .engine import ending_together
from .follower import Follower, connect_to_leader
from .leader import Leader, write_all

# Where the leader listens, on a network that is the job's alone.
_PORT = 29400
# Where local hosts find their leader, and what lets them in.
_MEETING_VARIABLE = "TG_MEETING"
_LIBRARIES = {TORCHRUN: "torch", DASK: "distributed"}


def train_on_hosts(folder: MlFolder) -> bool:
    """Trains together with the other hosts, to the end of all of them.

    Returns:
        Whether this is the leader, in whose folder the results are.

    Raises:
        TgError: If a host has failed: it says which, and why.
    """
    cluster = read_cluster(folder)
    if len(cluster.hosts) == 1:  # which need not have a name or a network
        cluster = replace(cluster, interface="lo")
    distribution = parse_distribution(os.environ[DISTRIBUTION_VARIABLE])
    _check_engine(distribution)
    program = [sys.executable, "-u", os.path.abspath(sys.argv[0])]
    if cluster.is_leader:
        with ExitStack() as stack:
            _lead(cluster, distribution, folder, program, stack)
        return True
    address, port, token = cluster.leader, _PORT, os.environ.get(JOB_NAME_VARIABLE, "")
    if meeting := os.environ.get(_MEETING_VARIABLE):
        address, number, token = meeting.split(" ")
        port = int(number)
    connection = connect_to_leader(cluster, address, port, token)
    is_joined = JOINED_LOG_VARIABLE in os.environ
    sink = partial(_send_output, connection) if is_joined else write_all
    Follower(cluster, distribution, folder, program, connection, sink, is_joined).run()
    return False


def _check_engine(distribution: Distribution) -> None:
    library = _LIBRARIES[distribution.kind]
    if importlib.util.find_spec(library) is None:
        raise TgError(
            f"distribution is {distribution.kind}, and the library {library} is not installed where the training "
            "runs; add it to the project's requirements"
        )


def _send_output(connection: Connection, data: bytes) -> None:
    connection.send({"op": "output"}, data)


def _lead(cluster: Cluster, distribution: Distribution, folder: MlFolder, program: list[str], stack: ExitStack) -> None:
    hosts_folder = os.environ.get(LOCAL_HOSTS_VARIABLE)
    if hosts_folder is None:
        address = cluster.leader if len(cluster.hosts) > 1 else "127.0.0.1"
        token = os.environ.get(JOB_NAME_VARIABLE, "")
        listener = stack.enter_context(socket.create_server(("", _PORT), backlog=len(cluster.hosts)))
        Leader(cluster, distribution, folder, program, address, listener, token, write_all).run()
        return
    address, token = "127.0.0.1", secrets.token_hex(16)
    listener = stack.enter_context(socket.create_server((address, 0), backlog=len(cluster.hosts)))
    meeting = f"{address} {listener.getsockname()[1]} {token}"
    local = {each: _start_local(each, Path(hosts_folder), meeting, program) for each in cluster.hosts[1:]}
    Leader(cluster, distribution, folder, program, address, listener, token, write_all, local).run()


def _start_local(host: str, folder: Path, meeting: str, program: list[str]) -> "subprocess.Popen[bytes]":
    """Starts another host's first process, which ends with this one."""
    variables = {
        _MEETING_VARIABLE: meeting,
        ML_FOLDER_VARIABLE: str(folder / host / "ml"),
        WORK_FOLDER_VARIABLE: str(folder / host / "work"),
    }
    nothing = subprocess.DEVNULL
    # Before it has reached the leader, it says nothing but how it fails.
    return subprocess.Popen(
        ending_together([*program, TRAIN_ARGUMENT]), env={**os.environ, **variables}, stdin=nothing, stdout=nothing
    )
