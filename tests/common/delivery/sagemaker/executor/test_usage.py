"""Readings of what a job uses: of processors, and of GPUs."""

import pytest

from tg.common.delivery.sagemaker.executor.gpu_usage import parse_gpus, read_gpus
from tg.common.delivery.sagemaker.executor.usage import BusyMeter


def test_processors_are_busy_between_two_readings() -> None:
    meter = BusyMeter()
    assert meter.measure("job", 5, 100) is None
    assert meter.measure("other", 0, 101) is None
    assert meter.measure("job", 8, 102) == 1.5
    assert meter.measure("job", 7, 104) is None  # a process has ended and taken its time with it
    assert meter.measure("job", 9, 104) is None  # no time has passed
    assert meter.measure("other", 4, 103) == 2


def test_gpus_have_the_names_of_mlflow() -> None:
    text = "0, 87, 30000, 40000, 210.5, 300.00\n1, 0, 500, 40000, [N/A], [N/A]\n"
    assert parse_gpus(text) == {
        "gpu_0_utilization_percentage": 87,
        "gpu_0_memory_usage_percentage": 75,
        "gpu_0_memory_usage_megabytes": 31457.28,
        "gpu_0_power_usage_watts": 210.5,
        "gpu_0_power_usage_percentage": 70.2,
        "gpu_1_utilization_percentage": 0,
        "gpu_1_memory_usage_percentage": 1.2,
        "gpu_1_memory_usage_megabytes": 524.288,
    }


@pytest.mark.parametrize("text", ["", "No devices were found\n", "0, a, b\n", "0, [N/A], [N/A], [N/A], [N/A], [N/A]"])
def test_what_is_no_gpu_is_none(text: str) -> None:
    assert parse_gpus(text) == {}


def test_a_machine_without_the_program_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert read_gpus() == {}
