"""What a job will be, and what is wrong with it, before anything is made."""

from typing import Any

import boto3
import pytest

from tests.common.delivery.sagemaker.aws.account import ROLE, Account, LazyPackaging
from tg.common import DatasetError, DeliveryError


def keys() -> list[str]:
    found = boto3.client("s3").list_objects_v2(Bucket="pail").get("Contents", [])
    return [each["Key"] for each in found]


def test_a_job_is_planned_and_then_created_just_so(account: Account) -> None:
    sent: list[dict[str, Any]] = []
    account.session.events.register(
        "provide-client-params.sagemaker.CreateTrainingJob", lambda params, **_: sent.append(params)
    )
    executor = account.make(dataset="points.csv")
    assert executor.upload_dataset() == "s3://pail/sagemaker/points/datasets/points.csv"
    assert keys() == ["sagemaker/points/datasets/points.csv"]

    plan = executor.plan("points-1")
    assert (keys(), account.jobs) == (["sagemaker/points/datasets/points.csv"], {})
    (package, start) = plan.uploads
    code = package[1].removesuffix("Points-0.tar.gz")
    assert (package[0], start[:2]) == ("Points-0.tar.gz", ("channel_start.py", f"{code}start.py"))
    assert (plan.image_repository, plan.left_out_metrics, plan.notes) == (None, (), ())

    assert executor.submit("points-1") == "points-1"
    (request,) = sent
    assert len(request["Environment"].pop("TG_SUBMISSION")) == 16
    assert request == plan.request
    assert request["AlgorithmSpecification"]["ContainerEntrypoint"] == [
        "python3",
        "-u",
        "/opt/ml/input/data/code/start.py",
    ]
    assert [each["DataSource"]["S3DataSource"]["S3Uri"] for each in request["InputDataConfig"]] == [
        "s3://pail/sagemaker/points/datasets/points.csv",
        code,
    ]
    assert sorted(keys())[1:] == [
        f"{code.removeprefix('s3://pail/')}{name}" for name in ("Points-0.tar.gz", "start.py")
    ]

    account.calls.clear()
    executor.submit("points-2")
    assert "PutObject" not in account.calls
    assert executor.plan("points-3").uploads == ()


def test_the_plan_of_an_image_that_is_built(account: Account) -> None:
    plan = account.make({"image_uri": None}, LazyPackaging).plan()
    repository = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/tg-mlflow/points"
    assert plan.image_repository == repository
    assert plan.request["AlgorithmSpecification"]["TrainingImage"] == f"{repository}@sha256:{'0' * 64}"
    assert "ContainerEntrypoint" not in plan.request["AlgorithmSpecification"]
    assert account.make({"image_uri": None, "image_repository": "r.example/x"}).plan().image_repository == "r.example/x"


def test_an_image_of_awss_own(account: Account) -> None:
    plan = account.make({"image_uri": {"framework": "sklearn", "version": "1.2-1"}}).plan()
    assert plan.request["AlgorithmSpecification"]["TrainingImage"] == (
        "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    )


def test_the_default_bucket_is_created_by_the_first_job(account: Account) -> None:
    executor = account.make(bucket=None)
    name = "sagemaker-eu-central-1-123456789012"
    plan = executor.plan()
    assert plan.notes == (f"the bucket {name!r} would be created",)
    assert plan.request["OutputDataConfig"] == {"S3OutputPath": f"s3://{name}/sagemaker/points/output"}
    assert [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]] == ["pail"]
    executor.submit()
    assert [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]] == ["pail", name]


@pytest.mark.parametrize(
    ("remote", "options", "message"),
    [
        (
            {"instance_type": "ml.m5.larg"},
            {},
            r"^instance_type 'ml\.m5\.larg' is not known to botocore [\d.]+; did you mean 'ml\.m5\.large'\? "
            r"\(for a newer one, upgrade boto3\)$",
        ),
        (
            {},
            {"role": None},
            r"^no role is given, and this does not run inside SageMaker; set role, or AWS_ROLE, to the ARN or the name "
            r"of the role that training jobs have$",
        ),
        (
            {},
            {"bucket": "no-such-pail"},
            r"^there is no bucket 'no-such-pail'; create it with `aws s3 mb s3://no-such-pail`, correct bucket, or "
            r"leave it out for SageMaker's default one$",
        ),
        (
            {"image_uri": {"framework": "sklear"}},
            {},
            r"^image_uri has the framework 'sklear'; did you mean 'sklearn'\?$",
        ),
        (
            {"image_uri": {"framework": "sklearn", "version": "99"}},
            {},
            r"^image_uri \{'framework': 'sklearn', 'version': '99'\} cannot be resolved: Unsupported sklearn version: ",
        ),
        ({}, {"hyperparameters": {"C": "x" * 2501}}, r"^hyperparameter 'C' has 2,501 characters"),
        (
            {"job_name": "taken"},
            {},
            r"^there is a job 'taken' already; take another job_name, or leave it out$",
        ),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_made(
    account: Account, remote: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    account.make({"job_name": "taken"}).submit()
    before = keys()
    executor = account.make(remote, LazyPackaging, **options)
    for act in (executor.plan, executor.submit):
        with pytest.raises(DeliveryError, match=message) as caught:
            act()
        assert "\n" not in str(caught.value)
    assert (keys(), list(account.jobs)) == (before, ["taken"])


def test_a_dataset_that_is_not_in_s3(account: Account) -> None:
    executor = account.make(packaging=LazyPackaging, dataset="points.csv")
    with pytest.raises(DatasetError) as caught:
        executor.submit()
    assert str(caught.value) == (
        "the dataset is not in S3: there is no 's3://pail/sagemaker/points/datasets/points.csv' "
        "('sagemaker/points/datasets/' holds nothing); upload it with `tg-mlflow upload-dataset`, or "
        "`upload_dataset()` in Python, or correct dataset, project_name or bucket"
    )
    with pytest.raises(DatasetError, match=r"^there is no dataset to upload; set dataset$"):
        account.make().upload_dataset()
    with pytest.raises(DeliveryError, match=r"^there is no bucket 'no-such-pail'; create it with "):
        account.make(dataset="points.csv", bucket="no-such-pail").upload_dataset()


def test_a_role_by_name_and_from_the_environment(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    assert account.make(role="service-role/x").plan().request["RoleArn"] == (
        "arn:aws:iam::123456789012:role/service-role/x"
    )
    monkeypatch.setenv("AWS_ROLE", ROLE)
    assert account.make(role=None).plan().request["RoleArn"] == ROLE


def test_a_dataset_takes_the_place_of_another_one_only_if_it_is_to(account: Account) -> None:
    made = account.make(dataset="points.csv")
    executor, options = made.executor, made.config.options
    assert executor.upload_dataset(options, replaces=False) == "s3://pail/sagemaker/points/datasets/points.csv"
    executor.upload_dataset(options, replaces=False)  # the same
    boto3.client("s3").put_object(Bucket="pail", Key="sagemaker/points/datasets/points.csv", Body=b"newer")
    with pytest.raises(
        DatasetError, match=r"has another content than '.*points.csv', and is not replaced; name another"
    ):
        executor.upload_dataset(options, replaces=False)
