"""One tuner as SageMaker knows it, and the training jobs that it creates."""

import secrets
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.aws_emulator.api_error import ApiError
from tests.aws_emulator.training_job import TrainingJob
from tests.aws_emulator.tuning_choice import choose_all

OBJECTIVE_KEY = "_tuning_objective_metric"
"""The hyperparameter by which a tuner tells its jobs what it optimizes."""

CreateJob = Callable[[dict[str, Any], str], TrainingJob]
"""Creates a training job of a tuner; raises :class:`ApiError` if it cannot be."""

_LOOK_SECONDS = 0.05
_NOT_SHARED = ("DefinitionName", "TuningObjective", "HyperParameterRanges", "StaticHyperParameters")


class TuningJob:
    """Creates jobs in a thread of its own, so many at a time as it may.

    Args:
        request: The parameters of ``CreateHyperParameterTuningJob``.
        arn: The tuner's name for the whole of AWS.
        create: Creates a training job.
    """

    def __init__(self, request: dict[str, Any], arn: str, create: CreateJob) -> None:
        self.request = request
        self.arn = arn
        self.name: str = request["HyperParameterTuningJobName"]
        self.status = "InProgress"
        self.jobs: dict[str, tuple[TrainingJob, dict[str, str]]] = {}
        self._config = request["HyperParameterTuningJobConfig"]
        self._create = create
        self._created = self._modified = time.time()
        self._failure_reason: str | None = None
        self._is_stopping = threading.Event()
        self._is_closed = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def request_stop(self) -> bool:
        """Asks the tuner and its jobs to stop; says whether it was still running."""
        with self._lock:
            if self.status not in ("InProgress", "Stopping"):
                return False
            self.status = "Stopping"
            self._is_stopping.set()
        return True

    def close(self) -> None:
        """Lets no more jobs be created; those that there are stay as they are."""
        self._is_closed.set()
        self._thread.join()

    def _run(self) -> None:
        choices = choose_all(self._config)
        limit = self._config["ResourceLimits"]["MaxParallelTrainingJobs"]
        is_exhausted = False
        while not self._is_closed.wait(_LOOK_SECONDS):
            running = [job for job, _ in self.jobs.values() if not job.is_over]
            if self._is_stopping.is_set():
                for job in running:
                    job.request_stop()
            elif not is_exhausted and len(running) < limit:
                choice = next(choices, None)
                is_exhausted = choice is None or not self._start(choice)
                continue
            if not running and (is_exhausted or self._is_stopping.is_set()):
                self._finish()
                return

    def _start(self, choice: dict[str, str]) -> bool:
        definition = self.request["TrainingJobDefinition"]
        metric = self._config["HyperParameterTuningJobObjective"]["MetricName"]
        name = f"{self.name}-{len(self.jobs) + 1:03}-{secrets.token_hex(4)}"
        request = {
            "TrainingJobName": name,
            "HyperParameters": {**definition.get("StaticHyperParameters", {}), **choice, OBJECTIVE_KEY: metric},
            "Tags": self.request.get("Tags", []),
            **{key: value for key, value in definition.items() if key not in _NOT_SHARED},
        }
        try:
            self.jobs[name] = (self._create(request, self.arn), choice)
        except ApiError as error:
            self._failure_reason = str(error)
            return False
        return True

    def _finish(self) -> None:
        with self._lock:
            self._modified = time.time()
            if self._is_stopping.is_set():
                self.status = "Stopped"
            elif self._failure_reason is None and any(job.status == "Completed" for job, _ in self.jobs.values()):
                self.status = "Completed"
            else:
                self.status = "Failed"
                self._failure_reason = self._failure_reason or (
                    "All training jobs failed. Please take a look at the training jobs failures to get more details."
                )

    def describe(self) -> dict[str, Any]:
        """The answer of ``DescribeHyperParameterTuningJob``."""
        summaries = self.list_jobs()
        statuses = [each["TrainingJobStatus"] for each in summaries]
        objectives = [each["ObjectiveStatus"] for each in summaries]
        answer = {
            "HyperParameterTuningJobName": self.name,
            "HyperParameterTuningJobArn": self.arn,
            "HyperParameterTuningJobConfig": self._config,
            "TrainingJobDefinition": self.request["TrainingJobDefinition"],
            "HyperParameterTuningJobStatus": self.status,
            "CreationTime": self._created,
            "LastModifiedTime": self._modified,
            "TrainingJobStatusCounters": {
                "Completed": statuses.count("Completed"),
                "InProgress": statuses.count("InProgress") + statuses.count("Stopping"),
                "RetryableError": 0,
                "NonRetryableError": statuses.count("Failed"),
                "Stopped": statuses.count("Stopped"),
            },
            "ObjectiveStatusCounters": {each: objectives.count(each) for each in ("Succeeded", "Pending", "Failed")},
        }
        if self.status in ("Completed", "Failed", "Stopped"):
            answer["HyperParameterTuningEndTime"] = self._modified
        if self._failure_reason is not None:
            answer["FailureReason"] = self._failure_reason
        known = [each for each in summaries if each["ObjectiveStatus"] == "Succeeded"]
        if known:
            is_max = self._config["HyperParameterTuningJobObjective"]["Type"] == "Maximize"
            answer["BestTrainingJob"] = (max if is_max else min)(known, key=objective_of)
        return answer

    def list_jobs(self) -> list[dict[str, Any]]:
        """Its jobs, in the order in which they were created, as ``ListTrainingJobsForHyperParameterTuningJob`` does."""
        return [self._summarize(job, choice) for job, choice in list(self.jobs.values())]

    def _summarize(self, job: TrainingJob, choice: dict[str, str]) -> dict[str, Any]:
        described = job.describe()
        metric = self._config["HyperParameterTuningJobObjective"]["MetricName"]
        names = ("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingStartTime", "TrainingEndTime")
        names = (*names, "TrainingJobStatus", "FailureReason")
        value = job.find_metric(metric)
        answer = {
            **{name: described[name] for name in names if name in described},
            "TunedHyperParameters": choice,
            "ObjectiveStatus": "Pending",
        }
        if job.is_over:
            has_succeeded = job.status == "Completed" and value is not None
            answer["ObjectiveStatus"] = "Succeeded" if has_succeeded else "Failed"
        if answer["ObjectiveStatus"] == "Succeeded":
            # SageMaker keeps it in single precision.
            single = struct.unpack("f", struct.pack("f", value))[0]
            answer["FinalHyperParameterTuningJobObjectiveMetric"] = {"MetricName": metric, "Value": single}
        return answer


def objective_of(summary: dict[str, Any]) -> float:
    """The objective in a job's summary; one that there is none of is the least."""
    value: float = summary.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value", float("-inf"))
    return value
