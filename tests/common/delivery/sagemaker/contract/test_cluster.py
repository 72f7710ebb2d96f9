import json
from pathlib import Path

import pytest

from tg.common import DeliveryError
from tg.common.delivery.sagemaker.contract.cluster import (
    Cluster,
    Distribution,
    format_distribution,
    is_of_other,
    parse_distribution,
    read_cluster,
)
from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder, build_input_config, name_hosts


def test_the_files_of_a_host_name_all_of_them(tmp_path: Path) -> None:
    files = build_input_config({}, [], name_hosts(3), "algo-2", "lo")
    assert json.loads(files["resourceconfig.json"]) == {
        "current_host": "algo-2",
        "hosts": ["algo-1", "algo-2", "algo-3"],
        "network_interface_name": "lo",
    }
    folder = MlFolder(tmp_path)
    folder.config.mkdir(parents=True)
    (folder.config / "resourceconfig.json").write_bytes(files["resourceconfig.json"])
    cluster = read_cluster(folder)
    assert cluster == Cluster(("algo-1", "algo-2", "algo-3"), "algo-2", "lo")
    assert (cluster.leader, cluster.is_leader, cluster.number) == ("algo-1", False, 1)


def test_hosts_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = MlFolder(tmp_path)
    folder.config.mkdir(parents=True)
    content = {"current_host": "algo-10", "hosts": ["algo-10", "algo-2", "algo-1"]}
    (folder.config / "resourceconfig.json").write_text(json.dumps(content))
    assert read_cluster(folder).hosts == ("algo-1", "algo-2", "algo-10")


@pytest.mark.parametrize("text", [None, "{", "[]", '{"hosts": ["algo-1"], "current_host": "algo-3"}'])
def test_a_job_that_is_told_nothing_has_one_host(tmp_path: Path, text: str | None) -> None:
    folder = MlFolder(tmp_path)
    folder.config.mkdir(parents=True)
    if text is not None:
        (folder.config / "resourceconfig.json").write_text(text)
    assert read_cluster(folder) == Cluster(("algo-1",), "algo-1", "eth0")


def test_a_distribution_travels_as_text() -> None:
    text = format_distribution(Distribution("torchrun", 2))
    assert text == '{"kind": "torchrun", "processes_per_host": 2}'
    assert parse_distribution(text) == Distribution("torchrun", 2)


@pytest.mark.parametrize(
    ("kind", "count", "message"),
    [
        ("horovod", 1, "distribution.kind is 'horovod'; give one of"),
        ("torchrun", 0, "distribution.processes_per_host is 0; give 1 or more"),
        ("torchrun", True, "distribution.processes_per_host is True; give 1 or more"),
        ("dask", 2, "distribution.processes_per_host is 2 with dask, whose workers are one a machine; leave it out"),
    ],
)
def test_what_no_engine_does_is_refused(kind: str, count: int, message: str) -> None:
    with pytest.raises(DeliveryError, match=message):
        Distribution(kind, count)


def test_the_files_of_a_member_lie_below_its_name() -> None:
    folder = MlFolder(member="algo-2/rank-3")
    assert str(folder.model) == "/opt/ml/model/hosts/algo-2/rank-3"
    assert str(folder.output_data) == "/opt/ml/output/hosts/algo-2/rank-3/data"
    assert str(folder.failure) == "/opt/ml/output/hosts/algo-2/rank-3/failure"
    assert str(folder.checkpoints) == "/opt/ml/checkpoints"


@pytest.mark.parametrize(
    ("line", "is_other"),
    [
        (b"algo-2 rank 1 | loss=0.5", True),
        (b"algo-12 worker | loss=0.5", True),
        (b"algo-2 | loss=0.5", False),
        (b"rank 1 | loss=0.5", False),
        (b"loss=0.5 algo-2 rank 1 | ", False),
    ],
)
def test_lines_of_other_processes_are_known(line: bytes, is_other: bool) -> None:
    assert is_of_other(line) is is_other
