from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from tg.common import DeliveryError
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerOptions, VpcOptions
from tg.common.delivery.sagemaker.remote.training_request import build_training_request
from tg.common.delivery.sagemaker.tuning.ranges import NumberRange
from tg.common.delivery.sagemaker.tuning.request import build_tuning_definition, build_tuning_request

IMAGE = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/tg-mlflow/titanic@sha256:0f"
ROLE = "arn:aws:iam::111122223333:role/training"
C = {"model_provider.constructor.kwargs.C:float": NumberRange(0.01, 10, "Logarithmic")}


def build_training(remote: RemoteOptions | None = None, image: str = IMAGE, **changes: Any) -> dict[str, Any]:
    own = {name: changes.pop(name) for name in ("hyperparameters", "environment") if name in changes}
    options = SagemakerOptions(ROLE, "pail", "titanic", "datasets", remote=remote or RemoteOptions(), **own)
    return build_training_request(
        "titanic-1",
        options,
        role=ROLE,
        bucket="pail",
        image=image,
        resource="job",
        metric_names=["roc_auc_score_test", "loss"],
        **changes,
    )


def build(training: dict[str, Any] | None = None, ranges: Any = C, **changes: Any) -> dict[str, Any]:
    arguments = {"metric": "loss", "mode": "min", "max_jobs": 4, **changes}
    return build_tuning_request("titanic-1", build_training() if training is None else training, ranges, **arguments)


def check_shape(request: dict[str, Any]) -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateHyperParameterTuningJob").input_shape
    assert ParamValidator().validate(request, shape).generate_report() == ""


def test_a_plain_request() -> None:
    training = build_training(RemoteOptions(tags={"team": "a"}), hyperparameters={"splitter.seed:int": "1"})
    request = build(training, max_parallel=2, random_seed=7)
    check_shape(request)
    assert request == {
        "HyperParameterTuningJobName": "titanic-1",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": 4},
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {
                        "Name": "model_provider.constructor.kwargs.C:float",
                        "MinValue": "0.01",
                        "MaxValue": "10.0",
                        "ScalingType": "Logarithmic",
                    }
                ]
            },
            "RandomSeed": 7,
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [
                    {
                        "Name": "roc_auc_score_test",
                        "Regex": "###METRIC###roc_auc_score_test:([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)###",
                    },
                    {"Name": "loss", "Regex": "###METRIC###loss:([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)###"},
                ],
            },
            "RoleArn": "arn:aws:iam::111122223333:role/training",
            "StaticHyperParameters": {"splitter.seed:int": "1"},
            "OutputDataConfig": {"S3OutputPath": "s3://pail/sagemaker/titanic/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
            "EnableNetworkIsolation": False,
            "EnableInterContainerTrafficEncryption": False,
            "EnableManagedSpotTraining": False,
            "Environment": {"TG_RESOURCE": "job"},
        },
        "Tags": [{"Key": "team", "Value": "a"}],
    }


def test_every_option_has_its_place() -> None:
    remote = RemoteOptions(
        spot=True, vpc=VpcOptions(["subnet-1"], ["sg-1"]), kms_key="alias/key", retry_attempts=3, network_isolation=True
    )
    training = build_training(remote)
    request = build(training, strategy="Random", mode="max")
    check_shape(request)
    definition = request["TrainingJobDefinition"]
    left_out = {name for name in training if name not in definition}
    assert left_out == {"TrainingJobName"}
    assert {name: definition[name] for name in definition} == {name: training[name] for name in definition}
    assert request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["Type"] == "Maximize"


def test_a_grid_has_as_many_jobs_as_combinations() -> None:
    request = build(ranges={"splitter.seed:int": [1, 2]}, strategy="Grid", max_jobs=None)
    check_shape(request)
    assert request["HyperParameterTuningJobConfig"]["ResourceLimits"] == {"MaxParallelTrainingJobs": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"metric": "los"},
            r"^the metric 'los' is not among the 2 that SageMaker reads in the log; did you mean 'loss'",
        ),
        ({"strategy": "grid"}, r"^strategy is 'grid'; did you mean 'Grid'\?$"),
        ({"mode": "least"}, r"^mode is 'least'; give 'max' or 'min'$"),
        ({"max_jobs": None}, r"^max_jobs is None with strategy 'Bayesian'; give it, but not for 'Grid'$"),
        ({"max_jobs": 0}, r"^max_jobs is 0 and max_parallel 1; give 1 or more$"),
        ({"strategy": "Grid", "ranges": {"x": [1]}}, r"^max_jobs is 4 with strategy 'Grid'; give it, but not for "),
        (
            {"strategy": "Grid", "max_jobs": None},
            r"C:float' are ranges of numbers, which a 'Grid' does not take; list ",
        ),
        ({"ranges": {"a.b": [1], "a.b:int": [2]}}, r"^both 'a.b' and 'a.b:int' set 'a.b'; leave one of them out$"),
    ],
)
def test_what_the_tuner_does_not_take(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DeliveryError, match=message):
        build(**changes)


@pytest.mark.parametrize("name", ["", "a" * 33, "-a", "a-", "a_b", "a.b"])
def test_names_that_a_tuner_cannot_have(name: str) -> None:
    with pytest.raises(DeliveryError, match=r"^the tuner's name is '.*'; give at most 32 letters, digits and hyphens"):
        build_tuning_request(name, build_training(), C, metric="loss", max_jobs=1)


def test_nothing_is_both_tuned_and_given() -> None:
    training = build_training(hyperparameters={"model_provider.constructor.kwargs.C": "1"})
    with pytest.raises(
        DeliveryError, match=r"^both 'model_provider.constructor.kwargs.C' and .*; leave one of them out$"
    ):
        build(training)


def test_the_metrics_name_is_one_of_a_hundred_hyperparameters() -> None:
    build(build_training(hyperparameters={f"a.x{i}": "1" for i in range(98)}))
    with pytest.raises(DeliveryError, match=r"^there are 99 hyperparameters besides 1 that are tuned; .* 99 together"):
        build(build_training(hyperparameters={f"a.x{i}": "1" for i in range(99)}))


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (
            build_training(entrypoint=["python3", "start.py"]),
            r"^the package is not in the image .*; leave out image_uri, so that an image is built$",
        ),
        (
            build_training(RemoteOptions(vpc=VpcOptions(["subnet-1"], ["sg-1"])), "registry.example/titanic:1"),
            r"^the tuner takes no image from a registry in a VPC, as 'registry.example/titanic:1' is; leave out ",
        ),
        (
            build_training(RemoteOptions(checkpoints=True)),
            r"^all jobs of a tuner would be given the same checkpoints, "
            r"'s3://pail/sagemaker/titanic/checkpoints/titanic-1', and might continue each other's; "
            r"leave out checkpoints$",
        ),
        (
            build_training(environment={f"X{i}": "1" for i in range(48)}),
            r"^there are 49 variables in environment; the tuner takes 48$",
        ),
    ],
)
def test_what_a_tuners_jobs_cannot_have(training: dict[str, Any], message: str) -> None:
    with pytest.raises(DeliveryError, match=message):
        build_tuning_definition(training)
