import sys

import pytest

from tg.common.delivery.sagemaker.contract.cluster import Cluster, Distribution
from tg.common.delivery.sagemaker.distribution.engine import (
    EngineProcess,
    build_processes,
    name_member,
    name_outputs,
)

HOSTS = ("algo-1", "algo-2")
PROGRAM = ["python3", "-u", "/opt/tg/train.py"]


def test_torchrun_meets_at_the_leader() -> None:
    (process,) = build_processes(Cluster(HOSTS, "algo-2"), Distribution("torchrun", 2), PROGRAM, "algo-1", 4000)
    assert process == EngineProcess(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--nnodes=2",
            "--nproc-per-node=2",
            "--node-rank=1",
            "--master-addr=algo-1",
            "--master-port=4000",
            "--max-restarts=0",
            "/opt/tg/train.py",
            "train",
        ],
        "torchrun",
        {
            "GLOO_SOCKET_IFNAME": "eth0",
            "NCCL_SOCKET_IFNAME": "eth0",
            "TP_SOCKET_IFNAME": "eth0",
            "TG_ROLE": "rank",
        },
    )


def test_dask_has_its_scheduler_and_client_at_the_leader_and_workers_elsewhere() -> None:
    program = [*PROGRAM, "train"]
    address = {"DASK_SCHEDULER_ADDRESS": "tcp://algo-1:4000"}
    leader = build_processes(Cluster(HOSTS, "algo-1"), Distribution("dask"), PROGRAM, "algo-1", 4000)
    assert leader == [
        EngineProcess(program, "scheduler", {**address, "TG_ROLE": "scheduler"}, is_daemon=True),
        EngineProcess(program, "client", {**address, "TG_ROLE": "client"}),
    ]
    other = build_processes(Cluster(HOSTS, "algo-2"), Distribution("dask"), PROGRAM, "algo-1", 4000)
    assert other == [EngineProcess(program, "worker", {**address, "TG_ROLE": "worker"})]
    alone = build_processes(Cluster(), Distribution("dask"), PROGRAM, "127.0.0.1", 4000)
    assert [(each.name, each.is_daemon) for each in alone] == [
        ("scheduler", True),
        ("worker", True),
        ("client", False),
    ]


def test_lines_say_whose_they_are() -> None:
    names = name_outputs(Cluster(HOSTS, "algo-2"), Distribution("torchrun", 2))
    assert names == {"0": b"algo-2 rank 2 | ", "1": b"algo-2 rank 3 | "}
    assert name_outputs(Cluster(HOSTS, "algo-2"), Distribution("dask")) == {"worker": b"algo-2 worker | "}


@pytest.mark.parametrize(
    ("host", "count", "rank", "member"),
    [
        ("algo-1", 1, 0, ""),
        ("algo-2", 1, 1, "algo-2"),
        ("algo-1", 2, 1, "algo-1/rank-1"),
        ("algo-2", 2, 2, "algo-2/rank-2"),
    ],
)
def test_all_but_the_first_process_have_a_folder_of_their_own(host: str, count: int, rank: int, member: str) -> None:
    assert name_member(Cluster(HOSTS, host), Distribution("torchrun", count), rank) == member
