"""Reads from CloudWatch what a job uses of its machines.

Source: SageMaker's developer guide, "Amazon SageMaker AI metrics in Amazon CloudWatch", for training jobs.
"""

import re
from collections.abc import Sequence
from typing import Any

from ....errors import DeliveryError
from ....logger import Logger
from ..aws.errors import is_denied
from ..aws.session import AwsSession
from ..executor.usage import CPU, DISK, GPU, GPU_MEMORY, MEMORY, Usage
from .state import JobDescription

_NAMESPACE = "/aws/sagemaker/TrainingJobs"
# CloudWatch's names. Those of GPUs are sums over all of a machine, as that of the processors is.
_NAMES = {
    "CPUUtilization": CPU,
    "MemoryUtilization": MEMORY,
    "DiskUtilization": DISK,
    "GPUUtilization": GPU.format(0),
    "GPUMemoryUtilization": GPU_MEMORY.format(0),
}
# Each metric that is asked for is paid for, and has a point a minute.
_PERIOD_SECONDS = 60
# Points may come out of order.
_LATE_SECONDS = 300
_MOST_QUERIES = 500
_SIZE = re.compile(r"\.(?:(?P<times>\d*)x)?(?:large|medium)$")


class RemoteUsage:
    """Asks CloudWatch about jobs, once a minute for each. Threads may share it.

    Args:
        aws: The account.
    """

    def __init__(self, aws: AwsSession) -> None:
        self._aws = aws
        self._asked_at: dict[str, float] = {}
        self._ended: set[str] = set()
        self._is_denied = False

    def is_due(self, job: JobDescription) -> bool:
        """Whether CloudWatch may have news of a job: a minute after the last time, and once after its end."""
        if self._is_denied or job.job_id in self._ended:
            return False
        last = self._asked_at.get(job.job_id)
        return job.is_final or last is None or self._aws.clock.monotonic() - last >= _PERIOD_SECONDS

    def read(self, job: JobDescription, since_ms: int) -> Sequence[Usage]:
        """Returns the points of a job since some time before ``since_ms``; those that are late may be among them.

        Without the permission, there are none, and that is said once.

        Raises:
            DeliveryError: If AWS does not answer.
        """
        if job.training_start_ms is None:
            return ()
        self._asked_at[job.job_id] = self._aws.clock.monotonic()
        if job.is_final:
            self._ended.add(job.job_id)
        start = max(job.training_start_ms / 1000 - _PERIOD_SECONDS, since_ms / 1000 - _LATE_SECONDS)
        queries, names = build_queries(job)
        try:
            results = self._aws.call(
                f"CloudWatch's metrics of job {job.job_id!r} cannot be read", lambda: self._ask(queries, start)
            )
        except DeliveryError as error:
            if error.__cause__ is None or not is_denied(error.__cause__):
                raise
            self._is_denied = True
            Logger.warning(f"{error}; without cloudwatch:GetMetricData, runs have no system metrics")
            return ()
        cpus, points = count_cpus(job.instance_type), dict[int, dict[str, float]]()
        for result in results:
            name = names[result["Id"]]
            is_of_cpu = name.endswith(CPU)
            if is_of_cpu and cpus is None:
                continue
            for time, value in zip(result["Timestamps"], result["Values"], strict=True):
                share = value / cpus if is_of_cpu and cpus is not None else value
                points.setdefault(round(time.timestamp() * 1000), {})[name] = round(share, 1)
        return [Usage(time_ms, values, cpus) for time_ms, values in sorted(points.items())]

    def _ask(self, queries: list[dict[str, Any]], start: float) -> list[dict[str, Any]]:
        pages = self._aws.client("cloudwatch").get_paginator("get_metric_data")
        end = self._aws.clock.time()
        asked = pages.paginate(MetricDataQueries=queries, StartTime=min(start, end - 1), EndTime=end)
        return [result for page in asked for result in page["MetricDataResults"]]


def build_queries(job: JobDescription) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Builds the queries of all metrics of a job's machines, of the first hundred of them.

    Returns:
        The queries, and the name of each by its id: with the machine's, if there are several.
    """
    queries, names = list[dict[str, Any]](), dict[str, str]()
    for number in range(1, min(job.instance_count, _MOST_QUERIES // len(_NAMES)) + 1):
        machine = f"algo-{number}"
        for name, own in _NAMES.items():
            query_id = f"m{len(queries)}"
            names[query_id] = own if job.instance_count == 1 else f"{machine}/{own}"
            dimensions = [{"Name": "Host", "Value": f"{job.job_id}/{machine}"}]
            metric = {"Namespace": _NAMESPACE, "MetricName": name, "Dimensions": dimensions}
            queries.append(
                {"Id": query_id, "MetricStat": {"Metric": metric, "Period": _PERIOD_SECONDS, "Stat": "Average"}}
            )
    return queries, names


def count_cpus(instance_type: str) -> int | None:
    """Returns how many processors a machine has by its size, such as 4 for an ``xlarge``; ``None`` if that is unknown.

    Source: AWS's list of instance types. An ``ml.c4.8xlarge`` has 36 instead of 32.
    """
    found = _SIZE.search(instance_type)
    if found is None:
        return None
    return 2 if found["times"] is None else 4 * int(found["times"] or 1)
