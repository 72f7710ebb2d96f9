import re
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from tg.common import DeliveryError
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerOptions, VpcOptions, format_metric_line
from tg.common.delivery.sagemaker.aws.s3_location import S3Location
from tg.common.delivery.sagemaker.contract.cluster import Distribution
from tg.common.delivery.sagemaker.remote.training_request import build_metric_definitions, build_training_request

IMAGE = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/tg-mlflow/titanic@sha256:0f"
ROLE = "arn:aws:iam::111122223333:role/training"


def build(remote: RemoteOptions | None = None, **changes: Any) -> dict[str, Any]:
    own = {name: changes.pop(name) for name in ("hyperparameters", "environment", "distribution") if name in changes}
    options = SagemakerOptions(ROLE, "pail", "titanic", "datasets", remote=remote or RemoteOptions(), **own)
    arguments = {"role": ROLE, "bucket": "pail", "image": IMAGE, "resource": "job", **changes}
    return build_training_request("titanic-1", options, **arguments)


def test_a_plain_request() -> None:
    assert build(
        dataset=S3Location("pail", "sagemaker/titanic/datasets/titanic.parquet"),
        metric_names=["roc_auc_score_test"],
        hyperparameters={"model_provider.constructor.kwargs.C:float": "0.5"},
        submission="abc",
    ) == {
        "TrainingJobName": "titanic-1",
        "RoleArn": "arn:aws:iam::111122223333:role/training",
        "AlgorithmSpecification": {
            "TrainingImage": "111122223333.dkr.ecr.eu-central-1.amazonaws.com/tg-mlflow/titanic@sha256:0f",
            "TrainingInputMode": "File",
            "MetricDefinitions": [
                {
                    "Name": "roc_auc_score_test",
                    "Regex": "###METRIC###roc_auc_score_test:([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)###",
                }
            ],
        },
        "HyperParameters": {"model_provider.constructor.kwargs.C:float": "0.5"},
        "InputDataConfig": [
            {
                "ChannelName": "training",
                "InputMode": "File",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": "s3://pail/sagemaker/titanic/datasets/titanic.parquet",
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
            }
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://pail/sagemaker/titanic/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        "Environment": {"TG_RESOURCE": "job", "TG_DATASET": "titanic.parquet", "TG_SUBMISSION": "abc"},
    }


def test_every_option_has_its_place() -> None:
    remote = RemoteOptions(
        instance_type="ml.c5.xlarge",
        instance_count=2,
        volume_gb=50,
        max_run_seconds=600,
        max_wait_seconds=900,
        spot=True,
        checkpoints=True,
        vpc=VpcOptions(["subnet-1"], ["sg-1"]),
        network_isolation=True,
        encrypt_inter_container_traffic=True,
        kms_key="alias/key",
        retry_attempts=3,
        tags={"team": "ships"},
    )
    code = S3Location("pail", "sagemaker/titanic/packages/00/")
    request = build(
        remote,
        code=code,
        dataset=S3Location("pail", "sagemaker/titanic/datasets/folder/"),
        entrypoint=["python3", "start.py"],
        environment={"COLOUR": "red"},
        distribution=Distribution("dask"),
        image="registry.example/team/titanic:1",
    )
    sources = [each["DataSource"]["S3DataSource"]["S3Uri"] for each in request.pop("InputDataConfig")]
    assert sources == ["s3://pail/sagemaker/titanic/datasets/folder/", "s3://pail/sagemaker/titanic/packages/00/"]
    assert request == {
        "TrainingJobName": "titanic-1",
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": "registry.example/team/titanic:1",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "start.py"],
            "TrainingImageConfig": {"TrainingRepositoryAccessMode": "Vpc"},
        },
        "OutputDataConfig": {"S3OutputPath": "s3://pail/sagemaker/titanic/output", "KmsKeyId": "alias/key"},
        "ResourceConfig": {
            "InstanceType": "ml.c5.xlarge",
            "InstanceCount": 2,
            "VolumeSizeInGB": 50,
            "VolumeKmsKeyId": "alias/key",
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900},
        "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
        "CheckpointConfig": {"S3Uri": "s3://pail/sagemaker/titanic/checkpoints/titanic-1"},
        "RetryStrategy": {"MaximumRetryAttempts": 3},
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": True,
        "EnableManagedSpotTraining": True,
        "Environment": {
            "TG_RESOURCE": "job",
            "TG_DATASET": ".",
            "TG_DISTRIBUTION": '{"kind": "dask", "processes_per_host": 1}',
            "COLOUR": "red",
        },
        "Tags": [{"Key": "team", "Value": "ships"}],
    }


def test_the_installed_sdk_knows_every_field() -> None:
    remote = RemoteOptions(keep_alive_seconds=60, checkpoints="s3://pail/kept", vpc=VpcOptions(["s"], ["g"]))
    request = build(remote, metric_names=["a"], dataset=S3Location("pail", "x"))
    model = botocore.session.get_session().get_service_model("sagemaker").operation_model("CreateTrainingJob")
    assert ParamValidator().validate(request, model.input_shape).generate_report() == ""
    assert request["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 60
    assert request["CheckpointConfig"] == {"S3Uri": "s3://pail/kept"}


def test_spare_machines_wait_twice_as_long_if_nothing_is_said() -> None:
    request = build(RemoteOptions(spot=True, max_run_seconds=100))
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 100, "MaxWaitTimeInSeconds": 200}


@pytest.mark.parametrize(
    ("instance_type", "takes_a_key"),
    [("ml.m5.large", True), ("ml.p3.2xlarge", True), ("ml.g5.xlarge", False), ("ml.r5d.large", False)],
)
def test_disks_that_are_part_of_the_machine_take_no_key(instance_type: str, takes_a_key: bool) -> None:
    request = build(RemoteOptions(instance_type=instance_type, kms_key="alias/key"))
    assert ("VolumeKmsKeyId" in request["ResourceConfig"]) == takes_a_key


def test_metric_definitions_match_what_a_training_writes() -> None:
    names = ["f1 (macro)", "a.b", "loss"]
    definitions, left_out = build_metric_definitions([*names, "loss"])
    assert left_out == []
    assert [each["Name"] for each in definitions] == names
    for name, value in (("f1 (macro)", 0.25), ("a.b", -1e-07), ("loss", 12.0)):
        found = [
            match[1]
            for each in definitions
            if (match := re.search(each["Regex"], f"INFO: {format_metric_line(name, value)}"))
        ]
        assert [float(each) for each in found] == [value]
    assert re.search(definitions[1]["Regex"], format_metric_line("a_b", 1.0)) is None


def test_forty_metrics_are_defined_and_the_rest_is_told() -> None:
    names = [f"metric_{number}" for number in range(43)]
    definitions, left_out = build_metric_definitions(["", "x" * 256, *names])
    assert [each["Name"] for each in definitions] == names[:40]
    assert left_out == ["", "x" * 256, "metric_40", "metric_41", "metric_42"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"role": "training"}, r"^role is 'training'; give a role's name or its ARN, 'arn:aws:iam::…:role/…'$"),
        (
            {"hyperparameters": {"C": "x" * 2501}},
            r"^hyperparameter 'C' has 2,501 characters in 1 lines; SageMaker takes 2,500 in one line, so set it in the",
        ),
        ({"hyperparameters": {"C": "1\n2"}}, r"^hyperparameter 'C' has 3 characters in 2 lines; "),
        (
            {"hyperparameters": {"C": 1}},
            r"^hyperparameter 'C' is 1; SageMaker takes texts only, so give '1'$",
        ),
        (
            {"hyperparameters": {str(number): "" for number in range(101)}},
            r"^there are 101 hyperparameters, and SageMaker takes 100; set the others in the task itself$",
        ),
        (
            {"environment": {"TEXT": "x" * 513}},
            r"^variable 'TEXT' in environment has 513 characters; SageMaker takes texts of 512 characters$",
        ),
        ({"environment": {"A-B": ""}}, r"^environment has 'A-B'; a variable's name has letters, digits and underscor"),
        (
            {"environment": {f"V{number}": "" for number in range(100)}},
            r"^there are 101 variables in environment; SageMaker takes 100$",
        ),
        ({"entrypoint": ["x" * 257]}, r"^the argument 'x+' has more than 256 characters; shorten it$"),
        ({"image": "x" * 256}, r"^the image is 'x+'; its name may have 255 characters$"),
    ],
)
def test_what_is_beyond_a_limit_is_said_in_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DeliveryError, match=message):
        build(**changes)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({str(number): "" for number in range(51)}, r"^there are 51 tags; SageMaker takes 50$"),
        ({"aws:x": "1"}, r"^tags has the key 'aws:x'; give 1 to 128 letters, .*, not beginning with 'aws:'$"),
        ({"x": "a;b"}, r"^tag 'x' is 'a;b'; give at most 256 letters, digits, blanks and \. _ : / = \+ - @$"),
    ],
)
def test_tags_have_limits(tags: dict[str, str], message: str) -> None:
    with pytest.raises(DeliveryError, match=message):
        build(RemoteOptions(tags=tags))


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": {"AWS_SECRET_ACCESS_KEY": "x"}},
        {"environment": {"MLFLOW_TRACKING_PASSWORD": "x"}},
        {"environment": {"PIP_INDEX_URL": "https://me:word@index.example/simple"}},
        {"hyperparameters": {"db_password": "x"}},
        {"remote": RemoteOptions(tags={"url": "https://me:word@index.example"})},
    ],
)
def test_secrets_do_not_go_where_everyone_reads_them(changes: dict[str, Any]) -> None:
    with pytest.raises(DeliveryError, match=r"^'\w+' in \w+ looks like a secret, and whoever may look at"):
        build(**changes)


def test_harmless_words_are_no_secrets() -> None:
    request = build(environment={"TOKENIZERS_PARALLELISM": "false", "PIP_INDEX_URL": "https://index.example:8080/s"})
    assert request["Environment"]["TOKENIZERS_PARALLELISM"] == "false"
