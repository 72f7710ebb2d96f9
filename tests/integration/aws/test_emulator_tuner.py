"""The emulator's tuner, asked by plain boto3: jobs are functions here, and need no Docker."""

import re
import threading
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.support import BUCKET
from tests.processes import wait_for

METRIC = "validation:loss"
CONTINUOUS = {"Name": "solver.rate:float", "MinValue": "1e-05", "MaxValue": "1", "ScalingType": "Logarithmic"}
INTEGER = {"Name": "solver.depth", "MinValue": "1", "MaxValue": "3"}
CATEGORY = {"Name": "solver.kind", "Values": ["a", '"b"', "c"]}


def train(request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
    """Says two values of the metric, the last one depending on what is tuned; fails for one kind."""
    given = request["HyperParameters"]
    if given.get("solver.kind") == "c":
        return 1
    write_line("a line ###METRIC###validation:loss:99###step:0###")
    write_line(f"###METRIC###validation:loss:{float(given.get('solver.depth', 7)) + 0.1}###")
    return 0


def build_request(aws: AwsEmulator, strategy: str = "Random", count: int | None = 4, **ranges: Any) -> dict[str, Any]:
    limits = {"MaxParallelTrainingJobs": 2, **({} if count is None else {"MaxNumberOfTrainingJobs": count})}
    regex = r"###METRIC###validation:loss:([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)###"
    return {
        "HyperParameterTuningJobName": "tuner-1",
        "HyperParameterTuningJobConfig": {
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": METRIC},
            "ResourceLimits": limits,
            "ParameterRanges": ranges,
            "RandomSeed": 1,
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"fixed": "1"},
            "RoleArn": aws.role_arn,
            "AlgorithmSpecification": {
                "TrainingImage": "image:1",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": METRIC, "Regex": regex}],
            },
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
        "Tags": [{"Key": "team", "Value": "a"}],
    }


def wait_for_end() -> dict[str, Any]:
    """Waits until the tuner has ended, and describes it."""
    answer: dict[str, Any] = {}

    def has_ended() -> bool:
        answer.update(
            boto3.client("sagemaker").describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="tuner-1")
        )
        return answer["HyperParameterTuningJobStatus"] not in ("InProgress", "Stopping")

    wait_for(has_ended)
    return answer


def list_jobs(**query: Any) -> list[dict[str, Any]]:
    pages = boto3.client("sagemaker").get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    found = pages.paginate(HyperParameterTuningJobName="tuner-1", PaginationConfig={"PageSize": 3}, **query)
    return [each for page in found for each in page["TrainingJobSummaries"]]


def test_a_random_search(make_simulated_aws: Callable[..., AwsEmulator]) -> None:
    aws = make_simulated_aws(train)
    request = build_request(aws, ContinuousParameterRanges=[CONTINUOUS], IntegerParameterRanges=[INTEGER])
    boto3.client("sagemaker").create_hyper_parameter_tuning_job(**request)
    answer = wait_for_end()
    assert answer["HyperParameterTuningJobStatus"] == "Completed"
    assert answer["TrainingJobStatusCounters"] == {
        "Completed": 4,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 0,
        "Stopped": 0,
    }
    jobs = list_jobs()
    assert len(jobs) == 4
    for number, job in enumerate(jobs, 1):
        assert re.fullmatch(rf"tuner-1-00{number}-[0-9a-f]{{8}}", job["TrainingJobName"])
        tuned = job["TunedHyperParameters"]
        assert set(tuned) == {"solver.rate:float", "solver.depth"}
        assert 1e-5 <= float(tuned["solver.rate:float"]) <= 1
        assert tuned["solver.depth"] in ("1", "2", "3")
        described = boto3.client("sagemaker").describe_training_job(TrainingJobName=job["TrainingJobName"])
        assert described["HyperParameters"] == {"fixed": "1", **tuned, "_tuning_objective_metric": "validation:loss"}
        assert described["TuningJobArn"] == answer["HyperParameterTuningJobArn"]
        assert aws.job(job["TrainingJobName"]).tags == {"team": "a"}
        # The last value, in single precision.
        value = job["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        assert value == pytest.approx(int(tuned["solver.depth"]) + 0.1, rel=1e-6)
        assert value != int(tuned["solver.depth"]) + 0.1
    best = min(jobs, key=lambda each: each["TunedHyperParameters"]["solver.depth"])
    assert (
        answer["BestTrainingJob"]["TunedHyperParameters"]["solver.depth"]
        == best["TunedHyperParameters"]["solver.depth"]
    )
    ranked = list_jobs(SortBy="FinalObjectiveMetricValue")
    depths = [each["TunedHyperParameters"]["solver.depth"] for each in ranked]
    assert depths == sorted(depths)


def test_a_grid_in_which_a_job_fails(make_simulated_aws: Callable[..., AwsEmulator]) -> None:
    aws = make_simulated_aws(train)
    depth = {"Name": "solver.depth", "Values": ["1", "2"]}
    request = build_request(aws, "Grid", None, CategoricalParameterRanges=[CATEGORY, depth])
    boto3.client("sagemaker").create_hyper_parameter_tuning_job(**request)
    answer = wait_for_end()
    assert answer["HyperParameterTuningJobStatus"] == "Completed"
    assert answer["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 0, "Failed": 2}
    tuned = [each["TunedHyperParameters"] for each in list_jobs(SortBy="CreationTime")]
    assert [(each["solver.kind"], each["solver.depth"]) for each in tuned] == [
        ("a", "1"),
        ("a", "2"),
        ('"b"', "1"),
        ('"b"', "2"),
        ("c", "1"),
        ("c", "2"),
    ]
    failed = list_jobs(StatusEquals="Failed")
    assert [each["FailureReason"] for each in failed] == ["AlgorithmError: , exit code: 1"] * 2
    assert all("FinalHyperParameterTuningJobObjectiveMetric" not in each for each in failed)


def test_all_jobs_fail(make_simulated_aws: Callable[..., AwsEmulator]) -> None:
    aws = make_simulated_aws(lambda *_: 1)
    request = build_request(aws, count=2, IntegerParameterRanges=[INTEGER])
    boto3.client("sagemaker").create_hyper_parameter_tuning_job(**request)
    answer = wait_for_end()
    assert answer["HyperParameterTuningJobStatus"] == "Failed"
    assert answer["FailureReason"].startswith("All training jobs failed. ")
    assert "BestTrainingJob" not in answer


def test_a_tuner_is_stopped_with_its_jobs(make_simulated_aws: Callable[..., AwsEmulator]) -> None:
    ends = threading.Event()

    def stay(request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
        while not ends.wait(0.02) and not is_stopped():
            pass
        return 0

    aws = make_simulated_aws(stay)
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_hyper_parameter_tuning_job(**build_request(aws, IntegerParameterRanges=[INTEGER]))
    wait_for(lambda: [job.secondary_status for job in aws.jobs] == ["Training", "Training"])
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="tuner-1")
    assert wait_for_end()["HyperParameterTuningJobStatus"] == "Stopped"
    assert [job.status for job in aws.jobs] == ["Stopped", "Stopped"]
    with pytest.raises(ClientError, match="the tuning job is in status Stopped"):
        sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="TUNER-1")
    with pytest.raises(ClientError, match="ResourceInUse"):
        sagemaker.create_hyper_parameter_tuning_job(**build_request(aws, IntegerParameterRanges=[INTEGER]))


@pytest.mark.parametrize(
    ("strategy", "count", "ranges", "message"),
    [
        ("Random", 4, {}, "searches 1 to 30"),
        ("Random", None, {"IntegerParameterRanges": [INTEGER]}, "must be from 1 to 750"),
        ("Random", 1, {"IntegerParameterRanges": [{**INTEGER, "Name": "fixed"}]}, r"\['fixed'\] are both static and"),
        ("Random", 1, {"IntegerParameterRanges": [{**INTEGER, "MinValue": "3"}]}, "must be less than its MaxValue"),
        ("Random", 1, {"CategoricalParameterRanges": [{"Name": "x", "Values": ["1", "1"]}]}, "must be different"),
        (
            "Random",
            1,
            {"CategoricalParameterRanges": [{"Name": "x", "Values": ["1" * 257]}]},
            "less than or equal to 256",
        ),
        ("Grid", None, {"IntegerParameterRanges": [INTEGER]}, "supports categorical hyperparameters only"),
        ("Grid", 2, {"CategoricalParameterRanges": [CATEGORY]}, "must be the number of all combinations"),
        ("Luck", 2, {"CategoricalParameterRanges": [CATEGORY]}, "Member must satisfy enum value set"),
    ],
)
def test_what_it_refuses(
    make_simulated_aws: Callable[..., AwsEmulator], strategy: str, count: int | None, ranges: Any, message: str
) -> None:
    aws = make_simulated_aws(train)
    with pytest.raises(ClientError, match=message):
        boto3.client("sagemaker").create_hyper_parameter_tuning_job(**build_request(aws, strategy, count, **ranges))


def test_it_needs_the_metrics_definition_and_a_short_name(make_simulated_aws: Callable[..., AwsEmulator]) -> None:
    aws, sagemaker = make_simulated_aws(train), boto3.client("sagemaker")
    request = build_request(aws, IntegerParameterRanges=[INTEGER])
    with pytest.raises(ClientError, match=r"satisfy regular expression pattern|less than or equal to 32"):
        sagemaker.create_hyper_parameter_tuning_job(**{**request, "HyperParameterTuningJobName": "a" * 33})
    request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"] = "other"
    with pytest.raises(ClientError, match="A metric is required for this hyperparameter tuning job objective"):
        sagemaker.create_hyper_parameter_tuning_job(**request)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="none")
    aws.faults.deny("iam:PassRole")
    with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole"):
        sagemaker.create_hyper_parameter_tuning_job(**request)
