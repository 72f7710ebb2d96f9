"""What a container uses, from answers as Docker gives them."""

from typing import Any, cast

import pytest
import requests
from docker.errors import NotFound

from tg.common import ContainerError
from tg.common.delivery.delivery.image.docker_client import DockerClient
from tg.common.delivery.sagemaker.container.usage import ContainerUsage, build_values

NETWORKS = {"eth0": {"rx_bytes": 1_500_000, "tx_bytes": 20_000}, "eth1": {"rx_bytes": 500_000, "tx_bytes": 0}}


@pytest.mark.parametrize("kept", ["inactive_file", "total_inactive_file"])
def test_files_that_the_kernel_keeps_are_no_memory(kept: str) -> None:
    memory = {"usage": 500_000_000, "limit": 1_000_000_000, "stats": {kept: 300_000_000}}
    assert build_values({"memory_stats": memory, "networks": NETWORKS}) == {
        "system_memory_usage_megabytes": 200,
        "system_memory_usage_percentage": 20,
        "network_receive_megabytes": 2,
        "network_transmit_megabytes": 0.02,
    }


def test_a_container_without_a_network_receives_nothing_that_is_told() -> None:
    assert build_values({"memory_stats": {"usage": 1_000_000}}) == {"system_memory_usage_megabytes": 1}


class Daemon:
    """Answers about one container, whose processors are busy for so many seconds by the time of each answer."""

    base_url = "http+docker://ssh"

    def __init__(self, *seconds: float, cpus: float = 0) -> None:
        self.seconds, self.cpus = list(seconds), cpus

    def stats(self, container: str, stream: bool, one_shot: bool) -> dict[str, Any]:
        assert (container, stream, one_shot) == ("job", False, True)
        if not self.seconds:
            gone = requests.Response()
            gone.status_code = 404
            raise NotFound("no such container", gone)
        used = int(self.seconds.pop(0) * 1e9)
        return {"cpu_stats": {"cpu_usage": {"total_usage": used}, "online_cpus": 8}, "memory_stats": {}}

    def inspect_container(self, container: str) -> dict[str, Any]:
        return {"HostConfig": {"NanoCpus": int(self.cpus * 1e9), "DeviceRequests": None}}


@pytest.mark.parametrize(("cpus", "percentage"), [(0, 25), (4, 50), (64, 25)])
def test_processors_are_those_that_the_container_may_use(
    cpus: float, percentage: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([100.0, 110.0])
    monkeypatch.setattr("tg.common.delivery.sagemaker.container.usage.time.monotonic", lambda: next(times))
    client, usage = cast(DockerClient, Daemon(5, 25, cpus=cpus)), ContainerUsage()
    first, second = usage.read(client, "job"), usage.read(client, "job")
    assert first is not None
    assert second is not None
    assert (first.values, second.values) == ({}, {"cpu_utilization_percentage": percentage})


def test_a_container_that_has_ended_or_is_gone_uses_nothing() -> None:
    client, usage = cast(DockerClient, Daemon(0)), ContainerUsage()
    assert usage.read(client, "job") is None
    assert usage.read(client, "job") is None


def test_a_daemon_that_is_away_is_not_waited_for() -> None:
    class Away(Daemon):
        def stats(self, container: str, stream: bool, one_shot: bool) -> dict[str, Any]:
            raise requests.ConnectionError("connection refused")

    with pytest.raises(ContainerError, match=r"^the statistics of job 'job' cannot be read"):
        ContainerUsage().read(cast(DockerClient, Away()), "job")
