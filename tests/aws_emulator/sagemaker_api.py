"""Answers SageMaker's operations on training jobs."""

import threading
from collections.abc import Callable
from typing import Any

from tests.aws_emulator.api_call import ACCOUNT_ID, ApiCall
from tests.aws_emulator.api_error import ApiError
from tests.aws_emulator.faults import Faults
from tests.aws_emulator.gateway import Handler
from tests.aws_emulator.request_limits import check_parameters, check_training_request
from tests.aws_emulator.training_job import TrainingJob
from tg.common.delivery.sagemaker.aws.clock import Clock


class SagemakerApi:
    """Creates jobs, finds them, and hands each to who runs it.

    Args:
        region: The one region of the emulator.
        faults: Asked for quotas and refusals.
        check: Refuses, by :class:`ApiError`, what names things that are not there: a role, an image, data.
        run: Takes a new job and returns at once.
        clock: What the jobs' times are taken from.
    """

    def __init__(
        self,
        region: str,
        faults: Faults,
        check: Callable[[dict[str, Any]], None],
        run: Callable[[TrainingJob], None],
        clock: Clock,
    ) -> None:
        self._clock = clock
        self.jobs: dict[str, TrainingJob] = {}
        self._region = region
        self._faults = faults
        self._check = check
        self._run = run
        self._lock = threading.Lock()

    @property
    def handlers(self) -> dict[str, Handler]:
        """The operations by name."""
        return {
            "sagemaker:CreateTrainingJob": lambda call: {"TrainingJobArn": self.create(call.parameters).arn},
            "sagemaker:DescribeTrainingJob": lambda call: self.find(_name_in(call)).describe(),
            "sagemaker:StopTrainingJob": self._stop,
            "sagemaker:DeleteTrainingJob": self._delete,
            "sagemaker:ListTrainingJobs": self._list,
            "sagemaker:AddTags": self._add_tags,
            "sagemaker:DeleteTags": self._delete_tags,
            "sagemaker:ListTags": self._list_tags,
        }

    def find(self, name: str) -> TrainingJob:
        """Finds a job.

        Raises:
            ApiError: If there is none.
        """
        if name not in self.jobs:
            raise ApiError("ValidationException", "Requested resource not found.")
        return self.jobs[name]

    def create(self, request: dict[str, Any], tuning_arn: str | None = None) -> TrainingJob:
        """Creates a job and starts it.

        Args:
            request: The parameters of ``CreateTrainingJob``.
            tuning_arn: The tuner that creates it.

        Raises:
            ApiError: If something is wrong with it, the name is taken, or a quota is used up.
        """
        check_training_request(request)
        self._check(request)
        name, resources = request["TrainingJobName"], request["ResourceConfig"]
        arn = f"arn:aws:sagemaker:{self._region}:{ACCOUNT_ID}:training-job/{name}"
        with self._lock:
            if name in self.jobs:
                raise ApiError(
                    "ResourceInUse",
                    "Training job names must be unique within an AWS account and region, and a training job with "
                    f"this name already exists ({arn})",
                )
            self._check_quota(resources["InstanceType"], resources["InstanceCount"])
            job = self.jobs[name] = TrainingJob(request, arn, tuning_arn, self._clock)
        self._run(job)
        return job

    def _check_quota(self, instance_type: str, count: int) -> None:
        limit = self._faults.quotas.get(instance_type)
        is_refused = self._faults.take("refuse_job", "sagemaker:CreateTrainingJob")
        if limit is None and not is_refused:
            return
        used = sum(
            job.request["ResourceConfig"]["InstanceCount"]
            for job in self.jobs.values()
            if not job.is_over and job.request["ResourceConfig"]["InstanceType"] == instance_type
        )
        limit = used if is_refused else limit
        if used + count > limit:
            raise ApiError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{instance_type} for training job usage' is {limit} Instances, with "
                f"current utilization of {used} Instances and a request delta of {count} Instances. Please use AWS "
                "Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, "
                "contact AWS support to request an increase for this quota.",
            )

    def _stop(self, call: ApiCall) -> dict[str, Any]:
        job = self.find(_name_in(call))
        if not job.request_stop():
            raise ApiError(
                "ValidationException", f"The request was rejected because the training job is in status {job.status}."
            )
        return {}

    def _delete(self, call: ApiCall) -> dict[str, Any]:
        job = self.find(_name_in(call))
        if not job.is_over:
            raise ApiError("ResourceInUse", f"The training job is in status {job.status} and cannot be deleted.")
        with self._lock:
            del self.jobs[job.name]
        return {}

    def _list(self, call: ApiCall) -> dict[str, Any]:
        query = call.parameters
        check_parameters(call.operation, query)
        jobs = [job for job in list(self.jobs.values()) if _matches(job, query)]
        orders: dict[str, Callable[[TrainingJob], Any]] = {
            "Name": lambda job: job.name,
            "Status": lambda job: job.status,
            "CreationTime": lambda job: job.created,
        }
        jobs.sort(key=orders[query.get("SortBy", "CreationTime")], reverse=query.get("SortOrder") != "Ascending")
        start, size = int(query.get("NextToken", 0)), query.get("MaxResults", 10)
        answer: dict[str, Any] = {"TrainingJobSummaries": [job.summarize() for job in jobs[start : start + size]]}
        if start + size < len(jobs):
            answer["NextToken"] = str(start + size)
        return answer

    def _add_tags(self, call: ApiCall) -> dict[str, Any]:
        check_parameters(call.operation, call.parameters)
        tags = {**self._tagged(call).tags, **{tag["Key"]: tag["Value"] for tag in call.parameters["Tags"]}}
        if len(tags) > 50:
            raise ApiError("ResourceLimitExceeded", "A resource can have at most 50 tags.")
        self._tagged(call).tags = tags
        return {"Tags": _list_tags(tags)}

    def _delete_tags(self, call: ApiCall) -> dict[str, Any]:
        for key in call.parameters["TagKeys"]:
            self._tagged(call).tags.pop(key, None)
        return {}

    def _list_tags(self, call: ApiCall) -> dict[str, Any]:
        return {"Tags": _list_tags(self._tagged(call).tags)}

    def _tagged(self, call: ApiCall) -> TrainingJob:
        return self.find(call.parameters.get("ResourceArn", "").rpartition("/")[2])


def _name_in(call: ApiCall) -> str:
    check_parameters(call.operation, call.parameters)
    name: str = call.parameters["TrainingJobName"]
    return name


def _list_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _matches(job: TrainingJob, query: dict[str, Any]) -> bool:
    def is_between(moment: float, after: str, before: str) -> bool:
        return bool(query.get(after, 0) <= moment <= query.get(before, float("inf")))

    return bool(
        query.get("NameContains", "") in job.name
        and query.get("StatusEquals", job.status) == job.status
        and is_between(job.created, "CreationTimeAfter", "CreationTimeBefore")
        and is_between(job.modified, "LastModifiedTimeAfter", "LastModifiedTimeBefore")
    )
