"""What users may say to ``tg-sagemaker``, and what becomes of it."""

from dataclasses import fields

import pytest

from tests.support import ProjectFolder
from tests.unrun_task import Task
from tg.common import DeliveryError
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerOptions, VpcOptions
from tg_mlflow.delivery.project_delivery import build_delivery
from tg_mlflow.places.image_config import ImageConfig
from tg_mlflow.places.local import LocalConfig
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.places.registry import find_place
from tg_mlflow.places.sagemaker_config import RemoteConfig
from tg_mlflow.project.project import fetch_project


def options_of(project: ProjectFolder, config: RemoteConfig) -> SagemakerOptions:
    return build_delivery(Task(), fetch_project(str(project.path), None), config).options


def test_without_a_word_the_options_are_those_of_the_executor(project: ProjectFolder) -> None:
    assert options_of(project, RemoteConfig()).remote == RemoteOptions()
    assert {each.name for each in fields(RemoteOptions)} <= set(RemoteConfig.model_fields)


def test_keys_become_options(project: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ROLE", "Trainer")
    config = RemoteConfig.model_validate(
        {
            "bucket": "b",
            "instance_type": "ml.c5.xlarge",
            "vpc": {"subnets": ["subnet-1"], "security_group_ids": ["sg-1", "sg-2"]},
            "environment": {"A": "1"},
            "image_uri": {"framework": "sklearn", "version": "1.4-2"},
        }
    )
    options = options_of(project, config)
    assert (options.role, options.bucket, options.environment) == ("Trainer", "b", {"A": "1"})
    assert options.remote.instance_type == "ml.c5.xlarge"
    assert options.remote.vpc == VpcOptions(("subnet-1",), ("sg-1", "sg-2"))
    assert options.remote.image_uri == {"framework": "sklearn", "version": "1.4-2"}
    assert options_of(project, RemoteConfig(role="Other")).role == "Other"


def test_the_image_is_built_as_the_keys_say(project: ProjectFolder) -> None:
    project.write("own.txt", "tqdm\n")
    config = RemoteConfig(base_image="base:1", requirements="own.txt")
    containering = build_delivery(Task(), fetch_project(str(project.path), None), config).containering
    assert containering.base_image == "base:1"


def test_requirements_are_a_file_or_a_list(project: ProjectFolder) -> None:
    project.write("own.txt", "tqdm\n")
    for given, expected in (("own.txt", ("tqdm",)), (["openpyxl", "lxml>=5"], ("openpyxl", "lxml>=5"))):
        config = RemoteConfig(requirements=given)
        packaging = build_delivery(Task(), fetch_project(str(project.path), None), config).packaging
        assert [each.dependencies for each in packaging.additional_dependencies] == [expected]


@pytest.mark.parametrize(
    ("config", "has_gpus"),
    [
        (RemoteConfig(), False),
        (RemoteConfig(instance_type="ml.g5.xlarge"), True),
        (RemoteConfig(instance_type="ml.p4d.24xlarge"), True),
        (LocalConfig(), False),
        (LocalConfig(gpus="all"), True),
    ],
)
def test_an_image_is_made_for_a_machine_with_gpus_or_without(
    project: ProjectFolder, config: ImageConfig, has_gpus: bool
) -> None:
    delivery = build_delivery(Task(), fetch_project(str(project.path), None), config)
    assert delivery.containering.has_gpus == has_gpus


def test_the_job_gets_the_tags_that_sagemaker_takes(project: ProjectFolder, caplog: pytest.LogCaptureFixture) -> None:
    tags = {"team": "a b", "note": "what?", "long": "x" * 257, "aws:mine": "1"}
    assert options_of(project, RemoteConfig(tags=tags)).remote.tags == {"team": "a b"}
    assert "SageMaker does not take the tags 'note', 'long', 'aws:mine'; they are the run's only" in caplog.text


def test_a_value_that_cannot_be_meant_so_is_refused(project: ProjectFolder) -> None:
    with pytest.raises(DeliveryError, match=r"^instance_type is 'big'; give one such as 'ml\.m5\.large'$"):
        options_of(project, RemoteConfig(instance_type="big"))


def test_each_fallback_is_an_attempt_with_a_name_of_its_own() -> None:
    config = RemoteConfig(fallback_instance_types=["ml.m5.xlarge", "ml.c5.xlarge"], job_name="n" * 60 + "-ab")
    attempts = find_place("tg-sagemaker").list_attempts(config)
    assert [(each.instance_type, each.job_name) for each in attempts] == [
        ("ml.m5.large", "n" * 60 + "-ab"),
        ("ml.m5.xlarge", "n" * 60 + "-2"),
        ("ml.c5.xlarge", "n" * 60 + "-3"),
    ]
    assert find_place("tg-process").list_attempts(ProcessConfig()) == [ProcessConfig()]
