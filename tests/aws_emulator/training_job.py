"""One training job as SageMaker knows it: what was asked for, where it stands, how it came there."""

import re
import threading
from collections.abc import Callable
from typing import Any

from tg.common.delivery.sagemaker.aws.clock import Clock

TERMINAL = ("Completed", "Failed", "Stopped")
SPOT_PRICE = 0.3
"""The part of the training time of a spot job that is billed."""

_ECHOED = (
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "CheckpointConfig",
    "Environment",
    "RetryStrategy",
    "ExperimentConfig",
    "TensorBoardOutputConfig",
)
_SWITCHES = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining")


class TrainingJob:
    """The state of a job; every change wakes those who wait for one.

    Args:
        request: The parameters of ``CreateTrainingJob``.
        arn: The job's name for the whole of AWS.
        tuning_arn: That of the tuner which has created it.
        clock: What its times are taken from.
    """

    def __init__(
        self, request: dict[str, Any], arn: str, tuning_arn: str | None = None, clock: Clock | None = None
    ) -> None:
        self._clock = clock or Clock()
        self.request = request
        self.arn = arn
        self.tuning_arn = tuning_arn
        self.name: str = request["TrainingJobName"]
        self.tags: dict[str, str] = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
        self.status = "InProgress"
        self.secondary_status = "Starting"
        self.transitions: list[dict[str, Any]] = []
        self.created = self._clock.time()
        self.modified = self.created
        self.training_started: float | None = None
        self.ended: float | None = None
        self.failure_reason: str | None = None
        self.is_stop_requested = False
        self.is_interrupted = False
        self.is_abandoned = False
        self.changed = threading.Condition()
        self._definitions = [
            (definition["Name"], re.compile(definition["Regex"]))
            for definition in request["AlgorithmSpecification"].get("MetricDefinitions", ())
        ]
        self._metrics: dict[str, dict[str, Any]] = {}
        self.advance("Starting", "Starting the training job")

    @property
    def is_spot(self) -> bool:
        return bool(self.request.get("EnableManagedSpotTraining"))

    @property
    def is_over(self) -> bool:
        return self.status in TERMINAL

    @property
    def model_uri(self) -> str:
        return f"{self.output_uri}/model.tar.gz"

    @property
    def output_uri(self) -> str:
        return f"{self.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output"

    def advance(self, secondary_status: str, message: str) -> None:
        """Goes on to a secondary status, or to another message of the same one."""
        with self.changed:
            self.modified = self._clock.time()
            if self.transitions:
                self.transitions[-1]["EndTime"] = self.modified
            self.secondary_status = secondary_status
            self.transitions.append({"Status": secondary_status, "StartTime": self.modified, "StatusMessage": message})
            self.changed.notify_all()

    def begin_training(self) -> None:
        """Starts the clock of what is billed; a restart does not start it again."""
        self.training_started = self.training_started or self._clock.time()

    def finish(self, status: str, secondary_status: str, message: str, failure_reason: str | None = None) -> None:
        """Comes to the end."""
        with self.changed:
            self.advance(secondary_status, message)
            self.transitions[-1]["EndTime"] = self.ended = self.modified
            self.failure_reason = failure_reason and failure_reason[:1024]
            self.status = status
            self.changed.notify_all()

    def request_stop(self) -> bool:
        """Asks the job to stop; says whether it was still running."""
        with self.changed:
            if self.is_over:
                return False
            if not self.is_stop_requested:
                self.is_stop_requested = True
                self.status = "Stopping"
                self.advance("Stopping", "Stopping the training job")
            return True

    def interrupt(self) -> None:
        """Takes the instances away, as happens to spot jobs."""
        with self.changed:
            self.is_interrupted = True
            self.changed.notify_all()

    def abandon(self) -> None:
        """Ends the job because the emulator closes."""
        with self.changed:
            self.is_abandoned = True
            self.changed.notify_all()

    def wait_until(self, is_true: Callable[[], bool], timeout_seconds: float | None) -> bool:
        """Waits for a change after which something holds, or the emulator closes."""
        with self.changed:
            return self.changed.wait_for(lambda: is_true() or self.is_abandoned, timeout_seconds)

    def observe(self, line: str, time_ms: int) -> None:
        """Looks for the metrics that the job defines in a line of its log."""
        for name, pattern in self._definitions:
            for match in pattern.finditer(line):
                try:
                    value = float(match[1])
                except (ValueError, IndexError):
                    continue  # SageMaker passes over what is not a number
                self._metrics[name] = {"MetricName": name, "Value": value, "Timestamp": time_ms / 1000}

    def find_metric(self, name: str) -> float | None:
        """The last value of a metric so far."""
        with self.changed:
            return self._metrics[name]["Value"] if name in self._metrics else None

    def describe(self) -> dict[str, Any]:
        """The answer of ``DescribeTrainingJob``."""
        with self.changed:
            answer = {
                **self.summarize(),
                "SecondaryStatusTransitions": [dict(each) for each in self.transitions],
                "ProfilingStatus": "Disabled",
                **{key: self.request[key] for key in _ECHOED if key in self.request},
                **{key: bool(self.request.get(key)) for key in _SWITCHES},
            }
            if self._metrics:
                answer["FinalMetricDataList"] = list(self._metrics.values())
            if self.tuning_arn is not None:
                answer["TuningJobArn"] = self.tuning_arn
            if self.failure_reason is not None:
                answer["FailureReason"] = self.failure_reason
            if self.status in ("Completed", "Stopped") and self.training_started is not None:
                answer["ModelArtifacts"] = {"S3ModelArtifacts": self.model_uri}
            if self.training_started is not None:
                answer["TrainingStartTime"] = self.training_started
                if self.ended is not None:
                    seconds = max(1, round(self.ended - self.training_started))
                    answer["TrainingTimeInSeconds"] = seconds
                    answer["BillableTimeInSeconds"] = max(1, round(seconds * SPOT_PRICE)) if self.is_spot else seconds
            return answer

    def summarize(self) -> dict[str, Any]:
        """The job's entry in ``ListTrainingJobs``."""
        answer: dict[str, Any] = {
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary_status,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
        }
        return answer if self.ended is None else {**answer, "TrainingEndTime": self.ended}
