"""What the usage of a machine adds up to, and the advice that follows."""

from collections.abc import Sequence

import pytest
from mlflow.entities import Metric

from tg_mlflow.usage.totals import UsageTotals

CPU, MEMORY, MEGABYTES = (
    "system/cpu_utilization_percentage",
    "system/system_memory_usage_percentage",
    "system/system_memory_usage_megabytes",
)
GPU = "system/gpu_0_utilization_percentage"


def make(cpus: int | None = None, **values: Sequence[float]) -> UsageTotals:
    totals, keys = UsageTotals(cpus), {"cpu": CPU, "memory": MEMORY, "gpu": GPU, "megabytes": MEGABYTES}
    for name, series in values.items():
        for step, value in enumerate(series):
            totals.add(Metric(keys[name], value, step, step))
    return totals


def test_a_run_has_its_peaks_and_its_mean() -> None:
    totals = make(cpu=[0, 50, 100], memory=[10, 30.5, 20], megabytes=[100, 305, 200])
    assert totals.summarize() == {
        "tg.peak_memory_percentage": 30.5,
        "tg.peak_memory_megabytes": 305,
        "tg.mean_cpu_percentage": 50,
    }
    assert make(memory=[7]).summarize() == {"tg.peak_memory_percentage": 7}
    assert make().summarize() == {}


def test_several_machines_count_together() -> None:
    totals = UsageTotals()
    for number, value in enumerate([20, 40, 90], start=1):
        totals.add(Metric(f"system/algo-{number}/cpu_utilization_percentage", value, 1, 0))
        totals.add(Metric(f"system/algo-{number}/system_memory_usage_percentage", value, 1, 0))
    assert totals.summarize() == {"tg.peak_memory_percentage": 90, "tg.mean_cpu_percentage": 50}


@pytest.mark.parametrize("has_own_machine", [False, True])
def test_memory_that_is_nearly_full_is_said_of_every_machine(has_own_machine: bool) -> None:
    advice = "memory was nearly full, 90 % at most: give the training more, or it may be killed"
    assert make(memory=[50, 90, 10]).advise(has_own_machine) == advice
    assert make(memory=[50, 89.4, 10]).advise(has_own_machine) is None


LARGE = (
    "the machine is four times too large: its 16 processors were busy for 12 % of the time, and at most 20 % of its "
    "memory was used; take one of a quarter"
)
NO_GPU = "no GPU was used: take a machine without one, or see why the training does not find it"


@pytest.mark.parametrize(
    ("totals", "advice"),
    [
        (make(16, cpu=[12, 12, 12], memory=[5, 20, 5]), LARGE),
        (make(16, cpu=[12, 12], memory=[5, 20]), None),  # a minute says little
        (make(4, cpu=[12, 12, 12], memory=[5, 20, 5]), None),  # there is none of a quarter
        (make(None, cpu=[12, 12, 12], memory=[5, 20, 5]), None),
        (make(16, cpu=[12, 12, 80], memory=[5, 20, 5]), None),
        (make(16, cpu=[12, 12, 12], memory=[5, 30, 5]), None),
        (make(16, cpu=[12, 12, 12], memory=[5, 20, 5], gpu=[0, 60, 0]), None),  # the GPU is what it is for
        (make(16, cpu=[12, 12, 12], memory=[5, 20, 5], gpu=[0, 0, 0.5]), NO_GPU),
        (make(16, cpu=[90, 90, 90], memory=[5, 95, 5], gpu=[0, 0, 0]), f"memory was nearly full, 95 % at most: give "
         f"the training more, or it may be killed; {NO_GPU}"),
    ],
)  # fmt: skip
def test_a_machine_that_was_chosen_may_be_the_wrong_one(totals: UsageTotals, advice: str | None) -> None:
    assert totals.advise(has_own_machine=True) == advice
    if advice in (LARGE, NO_GPU):
        assert totals.advise(has_own_machine=False) is None
