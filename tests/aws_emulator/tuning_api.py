"""Answers SageMaker's operations on hyperparameter tuning jobs."""

import threading
from collections.abc import Callable
from typing import Any

from tests.aws_emulator.api_call import ACCOUNT_ID, ApiCall
from tests.aws_emulator.api_error import ApiError
from tests.aws_emulator.gateway import Handler
from tests.aws_emulator.request_limits import check_parameters, check_tuning_request
from tests.aws_emulator.tuning_job import CreateJob, TuningJob, objective_of


class TuningApi:
    """Creates tuners and finds them.

    Args:
        region: The one region of the emulator.
        create: Creates a training job.
    """

    def __init__(self, region: str, create: CreateJob) -> None:
        self._region = region
        self._create_job = create
        self._tuners: dict[str, TuningJob] = {}
        self._lock = threading.Lock()

    @property
    def handlers(self) -> dict[str, Handler]:
        """The operations by name."""
        return {
            "sagemaker:CreateHyperParameterTuningJob": self._create,
            "sagemaker:DescribeHyperParameterTuningJob": lambda call: self._find(call).describe(),
            "sagemaker:ListTrainingJobsForHyperParameterTuningJob": self._list_jobs,
            "sagemaker:StopHyperParameterTuningJob": self._stop,
        }

    def close(self) -> None:
        """Lets no tuner create jobs any more."""
        for tuner in self._tuners.values():
            tuner.close()

    def _find(self, call: ApiCall) -> TuningJob:
        check_parameters(call.operation, call.parameters)
        name = call.parameters["HyperParameterTuningJobName"].lower()
        if name not in self._tuners:
            raise ApiError("ResourceNotFound", "Amazon SageMaker can't find a tuning job with this name.")
        return self._tuners[name]

    def _create(self, call: ApiCall) -> dict[str, Any]:
        request = call.parameters
        check_tuning_request(request)
        name = request["HyperParameterTuningJobName"]
        arn = f"arn:aws:sagemaker:{self._region}:{ACCOUNT_ID}:hyper-parameter-tuning-job/{name}"
        with self._lock:
            if name.lower() in self._tuners:  # such names are the same in capital letters
                raise ApiError("ResourceInUse", f"Hyper parameter tuning job already exists ({arn})")
            self._tuners[name.lower()] = TuningJob(request, arn, self._create_job)
        return {"HyperParameterTuningJobArn": arn}

    def _stop(self, call: ApiCall) -> dict[str, Any]:
        tuner = self._find(call)
        if not tuner.request_stop():
            raise ApiError(
                "ValidationException", f"The request was rejected because the tuning job is in status {tuner.status}."
            )
        return {}

    def _list_jobs(self, call: ApiCall) -> dict[str, Any]:
        query, jobs = call.parameters, self._find(call).list_jobs()
        jobs = [
            each for each in jobs if query.get("StatusEquals", each["TrainingJobStatus"]) == each["TrainingJobStatus"]
        ]
        if query.get("SortBy") == "FinalObjectiveMetricValue":
            jobs = [each for each in jobs if each["ObjectiveStatus"] == "Succeeded"]
        orders: dict[str, Callable[[dict[str, Any]], Any]] = {
            "Name": lambda each: each["TrainingJobName"],
            "CreationTime": lambda each: each["CreationTime"],
            "Status": lambda each: each["TrainingJobStatus"],
            "FinalObjectiveMetricValue": objective_of,
        }
        jobs.sort(key=orders[query.get("SortBy", "Name")], reverse=query.get("SortOrder") == "Descending")
        start, size = int(query.get("NextToken", 0)), query.get("MaxResults", 10)
        answer: dict[str, Any] = {"TrainingJobSummaries": jobs[start : start + size]}
        if start + size < len(jobs):
            answer["NextToken"] = str(start + size)
        return answer
