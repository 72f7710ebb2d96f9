"""What jobs on SageMaker use of their machines comes from CloudWatch, if the caller may read it there."""

import logging
import time
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import FastBackend, Job, the_run, train
from tests.integration.aws.numbers import MakeAws, make, wait
from tests.integration.aws.policy import Policy
from tests.support import ProjectFolder
from tg.common.delivery.sagemaker import JobStatus, SagemakerRemoteExecutor, Usage
from tg.common.delivery.sagemaker.remote.usage import count_cpus

CALL = "cloudwatch:GetMetricData"


def start(aws: AwsEmulator, tmp_path: Path, **remote: Any) -> tuple[SagemakerRemoteExecutor, str]:
    executor = make(aws, tmp_path, **remote)
    job_id = executor.submit()
    aws.wait_for_status(job_id, "Training")
    return executor, job_id


def put(aws: AwsEmulator, host: str, minute: int, **values: float) -> int:
    """Notes points of a minute, counted from now; returns its time in milliseconds."""
    minute += int(time.time() // 60)
    for name, value in values.items():
        aws.machine_metrics.put(host, name, minute, value)
    return minute * 60_000


def test_a_machine_has_a_point_a_minute(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(wait)
    policy = aws.faults.policy = Policy("caller", "caller-system-metrics")
    executor, job_id = start(aws, tmp_path, instance_type="ml.g4dn.xlarge")
    put(aws, f"{job_id}/algo-1", -5, CPUUtilization=1)  # of another job, before this one
    first = put(aws, f"{job_id}/algo-1", -1, CPUUtilization=100, MemoryUtilization=12.34, DiskUtilization=0.5)
    second = put(aws, f"{job_id}/algo-1", 0, CPUUtilization=399, GPUUtilization=80, GPUMemoryUtilization=40)
    put(aws, f"{job_id}/algo-2", 0, CPUUtilization=7)
    put(aws, f"{job_id}0/algo-1", 0, CPUUtilization=7)
    usage = executor.executor.usage
    assert usage(job_id) == [
        Usage(
            first,
            {
                "cpu_utilization_percentage": 25,
                "system_memory_usage_percentage": 12.3,
                "disk_usage_percentage": 0.5,
            },
            4,
        ),
        Usage(
            second,
            {
                "cpu_utilization_percentage": 99.8,
                "gpu_0_utilization_percentage": 80,
                "gpu_0_memory_usage_percentage": 40,
            },
            4,
        ),
    ]
    assert usage(job_id, second) == ()  # each answer is paid for, and a minute has not passed
    executor.cancel(job_id)
    assert executor.status(job_id).status is JobStatus.STOPPED
    assert [each.time_ms for each in usage(job_id, second)] == [first, second]  # what is late may be there now
    assert usage(job_id, second) == ()
    assert len([call for call in aws.calls if call.name == CALL]) == 2
    assert policy.denied == set()
    assert {sid for sid, _ in policy.list_unused()} & {"ReadMachineMetrics"} == set()


def test_each_of_several_machines_has_its_own(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(wait)
    executor, job_id = start(aws, tmp_path, instance_count=30)
    at = put(aws, f"{job_id}/algo-1", 0, CPUUtilization=50)
    put(aws, f"{job_id}/algo-30", 0, CPUUtilization=150)  # in the second page of the answer
    (only,) = executor.executor.usage(job_id)
    names = {"algo-1/cpu_utilization_percentage": 25, "algo-30/cpu_utilization_percentage": 75}
    assert (only.time_ms, only.values) == (at, names)
    executor.cancel(job_id)


def test_without_the_permission_that_is_said_once(
    make_simulated_aws: MakeAws, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    aws = make_simulated_aws(wait)
    aws.faults.policy = Policy("caller")
    executor, job_id = start(aws, tmp_path)
    assert [executor.executor.usage(job_id) for _ in range(3)] == [(), (), ()]
    executor.cancel(job_id)
    assert executor.executor.usage(job_id) == ()
    (said,) = [each.message for each in caplog.records if each.levelno >= logging.WARNING]
    assert said.startswith(f"CloudWatch's metrics of job {job_id!r} cannot be read: access is denied: ")
    assert said.endswith("; without cloudwatch:GetMetricData, runs have no system metrics")
    assert len([call for call in aws.calls if call.name == CALL]) == 1


def test_a_training_has_its_machine_in_its_run(
    small_project: ProjectFolder,
    simulated_aws: AwsEmulator,
    job: Job,
    store: MlflowClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING")

    def use_little(name: str) -> None:
        for minute in (-2, -1, 0):
            put(simulated_aws, f"{name}/algo-1", minute, CPUUtilization=160, MemoryUtilization=11)
        started = simulated_aws.job(name)
        assert started.training_started is not None
        started.training_started -= 200
        job.may_end.set()

    job.meanwhile = use_little
    keys = {"instance_type": "ml.m5.4xlarge", "usd_per_hour": 3.6, "log": {"cost": True}}
    assert train(small_project, store, FastBackend(), **keys).get_status() == "FINISHED"
    run = the_run(store)
    points = store.get_metric_history(run.info.run_id, "system/cpu_utilization_percentage")
    assert [(each.step, each.value) for each in points] == [(0, 10), (1, 10), (2, 10)]
    metrics = run.data.metrics
    assert (metrics["tg.mean_cpu_percentage"], metrics["tg.peak_memory_percentage"]) == (10, 11)
    assert run.data.tags["tg.advice"].startswith("the machine is four times too large: its 16 processors were busy ")
    assert metrics["tg.cost_usd"] == metrics["tg.billable_seconds"] / 1000


@pytest.mark.parametrize(
    ("machine", "count"),
    [
        ("ml.m5.large", 2),
        ("ml.m5.xlarge", 4),
        ("ml.c5.9xlarge", 36),
        ("ml.p4d.24xlarge", 96),
        ("ml.t3.medium", 2),
        ("ml.new.metal", None),
    ],
)
def test_a_machines_name_says_how_many_processors_it_has(machine: str, count: int | None) -> None:
    assert count_cpus(machine) == count
