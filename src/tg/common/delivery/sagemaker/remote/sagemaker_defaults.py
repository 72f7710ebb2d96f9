"""Defaults from SageMaker's SDK: the default bucket, the role inside SageMaker, AWS's own images."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ....errors import DeliveryError, suggestion
from ..aws.session import AwsSession

ROLE_VARIABLE = "AWS_ROLE"


def resolve_bucket(aws: AwsSession, create: bool) -> str:
    """Finds the default bucket: that of the SDK's configuration, or ``sagemaker-<region>-<account>``.

    Args:
        aws: The account.
        create: Whether it is created if it is missing.

    Raises:
        DeliveryError: If it cannot be used.
    """
    return aws.call(
        "SageMaker's default bucket cannot be used", lambda: str(_make_session(aws, create).default_bucket())
    )


def resolve_role(aws: AwsSession, role: str | None) -> str:
    """Finds the ARN of a job's role.

    Args:
        aws: The account.
        role: Its ARN or its name; ``None`` for that of ``AWS_ROLE``, or else of the notebook or the Studio in which
            this runs.

    Raises:
        DeliveryError: If there is none.
    """
    role = role or os.environ.get(ROLE_VARIABLE)
    if role:
        return role if role.startswith("arn:") else f"arn:{aws.partition}:iam::{aws.account}:role/{role}"
    from sagemaker.core.helper.session_helper import NOTEBOOK_METADATA_FILE, get_execution_role

    if not Path(NOTEBOOK_METADATA_FILE).exists():
        raise DeliveryError(
            f"no role is given, and this does not run inside SageMaker; set role, or {ROLE_VARIABLE}, to the ARN or "
            "the name of the role that training jobs have"
        )
    return aws.call("the role of this notebook cannot be found", lambda: str(get_execution_role(_make_session(aws))))


def resolve_image(image: str | Mapping[str, str], region: str, instance_type: str) -> str:
    """Finds the name of a ready-made image.

    Args:
        image: The name itself, or the SDK's description: ``framework``, ``version``, ``py_version``.
        region: The region of the job.
        instance_type: The machine of the job.

    Raises:
        DeliveryError: If AWS has no such image.
    """
    if isinstance(image, str):
        return image
    from sagemaker.core import image_uris

    settings = {"image_scope": "training", "instance_type": instance_type, **image}
    try:
        return str(image_uris.retrieve(region=region, **settings))
    except FileNotFoundError as e:
        folder = Path(image_uris.__file__).parent / "image_uri_config"
        known = sorted(path.stem for path in folder.glob("*.json"))
        raise DeliveryError(
            f"image_uri has the framework {image['framework']!r}; {suggestion(image['framework'], known)}"
        ) from e
    except (ValueError, KeyError, TypeError) as e:
        raise DeliveryError(f"image_uri {dict(image)!r} cannot be resolved: {' '.join(str(e).split())}") from e


def check_instance_types(aws: AwsSession, instance_types: list[str]) -> None:
    """Checks that the installed SDK knows these machines.

    Raises:
        DeliveryError: If not.
    """
    import botocore

    model = aws.client("sagemaker").meta.service_model
    known = model.shape_for("TrainingInstanceType").enum
    for each in instance_types:
        if each not in known:
            raise DeliveryError(
                f"instance_type {each!r} is not known to botocore {botocore.__version__}; {suggestion(each, known)} "
                "(for a newer one, upgrade boto3)"
            )


def _make_session(aws: AwsSession, create: bool = True) -> Any:
    from sagemaker.core.helper.session_helper import Session

    class ConfiguredSession(Session):  # type: ignore[misc, unused-ignore]
        """Uses our client for the caller's identity: the SDK's own ignores a configured endpoint."""

        def account_id(self) -> str:
            return aws.account

        def generate_default_sagemaker_bucket_name(self, boto_session: Any) -> str:
            return f"sagemaker-{aws.region}-{aws.account}"

        def create_bucket_for_not_exist_error(self, bucket_name: str, region: str, s3: Any) -> None:
            if create:
                super().create_bucket_for_not_exist_error(bucket_name, region, s3)

    import boto3

    session = aws.session
    if session.region_name is None:  # the SDK reads the region only from here
        session = boto3.Session(region_name=aws.region, botocore_session=session._session)
    return ConfiguredSession(boto_session=session, sagemaker_client=aws.client("sagemaker"))
