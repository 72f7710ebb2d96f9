"""What a dry run of ``tg-sagemaker`` says: the price of it, and no secrets."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.support import BUCKET
from tests.support import ProjectFolder
from tg.common import DeliveryError
from tg_mlflow.backend.dry_run import describe_dry_run
from tg_mlflow.delivery.secrets import find_secrets
from tg_mlflow.places.loading import load_config
from tg_mlflow.places.sagemaker_config import RemoteConfig
from tg_mlflow.project.project import read_project

IMAGE = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/ready:1"
SOURCE = "AWS price list (AmazonSageMaker, eu-central-1, on demand)"

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            raise AssertionError("nothing is run")


    def build_task(user: str):
        return Task()
"""

MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {user: {default: somebody}}
        command: "tg-mlflow train tasks:build_task user={user}"
"""


@pytest.fixture
def aws(make_simulated_aws: Callable[..., AwsEmulator], monkeypatch: pytest.MonkeyPatch) -> AwsEmulator:
    aws = make_simulated_aws()
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    return aws


@pytest.fixture
def dry_run(aws: AwsEmulator, project: ProjectFolder) -> Callable[..., dict[str, Any]]:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", json.dumps({"bucket": BUCKET, "image_uri": IMAGE}))

    def run(**config: Any) -> dict[str, Any]:
        found = read_project(project.path)
        params = found.resolve_parameters("main", {})
        command = found.build_command("main", params)
        settings = load_config(RemoteConfig, found.folder, config)
        mask = find_secrets(params, found, command, settings)
        plan: dict[str, Any] = json.loads(describe_dry_run(found, command, settings, mask))
        return plan

    return run


def test_it_says_what_is_paid(dry_run: Callable[..., dict[str, Any]], aws: AwsEmulator) -> None:
    plan = dry_run(instance_count=2, distribution={"kind": "dask"}, max_run_seconds=5_400)
    assert plan["price"] == {
        "instance_type": "ml.m5.large",
        "instance_count": 2,
        "usd_per_instance_hour": 0.138,
        "usd_per_hour": 0.276,
        "usd_at_most": 0.42,
        "source": SOURCE,
    }
    assert plan["notes"] == ["the price is that of machines for 5,400 seconds; disks and S3 are paid besides"]
    assert [call.status for call in aws.calls if call.name == "pricing:GetProducts"] == [200]


@pytest.mark.parametrize(
    ("config", "note"),
    [
        ({"spot": True}, "the price is that on demand, an upper bound: spot machines cost less"),
        (
            {"keep_alive_seconds": 1_800},
            "machines that wait for another job are paid besides, for 1,800 seconds at most",
        ),
        (
            {"fallback_instance_types": ["ml.m5.xlarge"]},
            "the machines of fallback_instance_types have other prices than ml.c5.xlarge",
        ),
    ],
)
def test_what_the_price_does_not_say_is_a_note(
    dry_run: Callable[..., dict[str, Any]], config: dict[str, Any], note: str
) -> None:
    plan = dry_run(instance_type="ml.c5.xlarge", **config)
    assert (plan["price"]["usd_per_hour"], plan["price"]["usd_at_most"]) == (0.233, 5.6)
    assert plan["notes"][1:] == [note]


def test_without_the_permission_the_price_is_unknown(dry_run: Callable[..., dict[str, Any]], aws: AwsEmulator) -> None:
    aws.faults.deny("pricing:GetProducts")
    plan = dry_run()
    assert plan["price"] == {
        "instance_type": "ml.m5.large",
        "instance_count": 1,
        "usd_per_instance_hour": None,
        "usd_per_hour": None,
        "usd_at_most": None,
        "source": None,
    }
    (note,) = plan["notes"]
    assert note.startswith("price unknown: access is denied: User: arn:aws:iam::123456789012:user/trainer is not ")
    assert "pricing:GetProducts" in note


def test_a_machine_that_is_not_listed_has_no_price(dry_run: Callable[..., dict[str, Any]]) -> None:
    plan = dry_run(instance_type="ml.m5.xlarge")
    assert plan["price"]["usd_per_hour"] is None
    assert plan["notes"] == ["price unknown: AWS lists no price in USD for training on ml.m5.xlarge in eu-central-1"]


def test_a_price_list_out_of_order_is_asked_twice(dry_run: Callable[..., dict[str, Any]], aws: AwsEmulator) -> None:
    aws.faults.break_down("pricing:GetProducts", calls=5)
    assert dry_run()["notes"][0].startswith("price unknown: GetProducts answers InternalFailure: ")
    assert [call.status for call in aws.calls if call.name == "pricing:GetProducts"] == [500, 500]


def test_it_shows_no_secrets(
    dry_run: Callable[..., dict[str, Any]], project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_TOKEN", "tok-4f5e6d")
    project.write("environment.env", "PIN=3600")
    plan = dry_run(
        hyperparameters={"note": "it is tok-4f5e6d", "hours": 3600},
        environment={"MODE": "3600 with tok-4f5e6d"},
        tags={"team": "tok-4f5e6d"},
        secrets=["PIN"],
        max_run_seconds=3600,
    )
    request = plan["request"]
    assert request["HyperParameters"] == {"note": "it is ***", "hours": "***"}
    assert request["Environment"] == {"TG_RESOURCE": "job", "MODE": "*** with ***"}
    assert request["Tags"] == [{"Key": "team", "Value": "***"}]
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}
    with pytest.raises(DeliveryError) as caught:
        dry_run(dataset="of-tok-4f5e6d.parquet")
    assert str(caught.value).startswith(
        f"the dataset is not in S3: there is no 's3://{BUCKET}/sagemaker/points/datasets/of-***.parquet' ("
    )
