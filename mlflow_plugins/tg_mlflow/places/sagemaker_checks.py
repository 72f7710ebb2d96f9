"""Checks what trainings on SageMaker need of AWS, and of a Docker daemon if they build an image."""

import time
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path

from tg.common import DeliveryError
from tg.common.delivery.sagemaker.aws.ecr_repository import PLATFORM, build_repository_name
from tg.common.delivery.sagemaker.aws.errors import error_code, is_denied
from tg.common.delivery.sagemaker.aws.s3_location import find_bucket
from tg.common.delivery.sagemaker.aws.server_time import read_server_time
from tg.common.delivery.sagemaker.aws.session import AwsSession
from tg.common.delivery.sagemaker.remote.sagemaker_defaults import check_instance_types, resolve_bucket, resolve_role
from tg_mlflow.diagnosis.check import Check, Finding
from tg_mlflow.diagnosis.docker_checks import list_docker_checks
from tg_mlflow.places.instance_quota import find_quota
from tg_mlflow.places.sagemaker_config import RemoteConfig
from tg_mlflow.project.project import read_project

_REGION, _CREDENTIALS, _ROLE, _BUCKET = "region", "credentials", "role", "bucket"
_SERVICE = "sagemaker.amazonaws.com"
_SKEW_SECONDS, _REFUSED_SECONDS = 60, 300  # AWS refuses what is signed with a time that is off by five minutes
# SageMaker's SDK, which knows the default bucket, takes long to import; a service's quotas have many pages.
_SLOW_SECONDS = 30


def list_sagemaker_checks(config: RemoteConfig, folder: Path) -> Iterator[Check]:
    """Lists the checks of a configuration."""
    account = _Account(config, folder)
    yield Check(_REGION, lambda: Finding.ok(account.aws.region), decides_use=True)
    silence = "check the network, the region and AWS_ENDPOINT_URL"
    # Before the credentials, which AWS refuses if the clock is wrong.
    yield Check("clock", account.find_clock, (_REGION,), 20)
    yield Check(_CREDENTIALS, account.find_caller, (_REGION,), 20, silence, decides_use=True)
    yield Check(_ROLE, account.find_role, (_CREDENTIALS,), 20)
    yield Check("passing the role", account.find_passing, (_CREDENTIALS, _ROLE), 20)
    yield Check(_BUCKET, account.find_bucket, (_CREDENTIALS,), _SLOW_SECONDS)
    yield Check("writing to the bucket", account.find_writing, (_CREDENTIALS, _BUCKET))
    yield Check("instance type", account.find_quota, (_CREDENTIALS,), _SLOW_SECONDS)
    if config.image_uri is None:
        yield Check("image repository", account.find_repository, (_CREDENTIALS,))
        yield from list_docker_checks(config.docker_host, config.find_base_image(), PLATFORM, decides_use=False)


class _Account:
    """What a configuration names in an account of AWS."""

    def __init__(self, config: RemoteConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self.aws = AwsSession(config.region, config.profile)

    @cached_property
    def _project_name(self) -> str:
        return self._config.project_name or read_project(self._folder).name

    @cached_property
    def _role(self) -> str:
        return resolve_role(self.aws, self._config.role)

    @cached_property
    def _bucket(self) -> str:
        return self._config.bucket or resolve_bucket(self.aws, create=False)

    def find_caller(self) -> Finding:
        return Finding.ok(f"account {self.aws.account}, {self.aws.caller}")

    def find_clock(self) -> Finding:
        try:
            moment = read_server_time(self.aws)
        except DeliveryError as error:
            return Finding.skipped(f"not checked: {error}")
        if moment is None:
            return Finding.skipped("not checked, as AWS has not told the time")
        seconds = time.time() - moment.timestamp()
        if abs(seconds) < _SKEW_SECONDS:
            return Finding.ok("as AWS's, within a minute")
        found = f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} AWS's"
        mend = "set the clock, as with `timedatectl set-ntp true`"
        if abs(seconds) < _REFUSED_SECONDS:
            return Finding.warning(f"{found}; from {_REFUSED_SECONDS} s on, AWS refuses all calls", mend)
        return Finding.problem(f"{found}, and AWS refuses calls from {_REFUSED_SECONDS} s on", mend)

    def find_role(self) -> Finding:
        arn, name = self._role, self._role.rpartition("/")[2]
        owner = arn.split(":")[4] if arn.count(":") >= 5 else ""
        if owner != self.aws.account:
            return Finding.problem(
                f"{arn} is no role of account {self.aws.account}, whose credentials are used",
                "correct role or AWS_ROLE, or use credentials of that account",
            )
        iam = partial(self.aws.client, "iam")
        try:
            role = self.aws.call("the role cannot be looked at", lambda: iam().get_role(RoleName=name)["Role"])
        except DeliveryError as error:
            if error_code(error.__cause__) == "NoSuchEntity":
                return Finding.problem(
                    f"there is no role {name!r} in account {self.aws.account}",
                    "correct role or AWS_ROLE, or create the role as docs/iam.md says",
                )
            if is_denied(error.__cause__):
                return Finding.skipped(f"{arn}; not checked, as the permission iam:GetRole is missing")
            raise
        if _SERVICE not in str(role.get("AssumeRolePolicyDocument")):
            return Finding.problem(
                f"{arn} does not trust {_SERVICE}, which is to take it", "correct its trust, as docs/iam.md says"
            )
        return Finding.ok(arn)

    def find_passing(self) -> Finding:
        """Lets IAM say what it would answer: a role can be passed only together with a job."""
        try:
            results = self.aws.call("not checked, as IAM does not simulate it", self._simulate_passing)
        except DeliveryError as error:
            return Finding.skipped(str(error))
        if any(each["EvalDecision"] != "allowed" for each in results):
            return Finding.problem(
                f"{self.aws.caller} may not pass {self._role} to SageMaker",
                "allow iam:PassRole for that role, as docs/iam.md says",
            )
        return Finding.ok("allowed, by IAM's simulation")

    def _simulate_passing(self) -> list[dict[str, str]]:
        context = {
            "ContextKeyName": "iam:PassedToService",
            "ContextKeyValues": [_SERVICE],
            "ContextKeyType": "string",
        }
        answer = self.aws.client("iam").simulate_principal_policy(
            PolicySourceArn=find_principal(self.aws.caller),
            ActionNames=["iam:PassRole"],
            ResourceArns=[self._role],
            ContextEntries=[context],
        )
        return list(answer["EvaluationResults"])

    def find_bucket(self) -> Finding:
        name = self._bucket
        if find_bucket(self.aws, name):
            return Finding.ok(f"{name} in {self.aws.region}")
        if self._config.bucket is None:
            return Finding.ok(f"{name}, SageMaker's default one, is not there yet; the first training creates it")
        return Finding.problem(f"there is no bucket {name!r}", f"aws s3 mb s3://{name}")

    def find_writing(self) -> Finding:
        """Begins an upload and gives it up: no object comes of it."""
        name, key = self._bucket, f"sagemaker/{self._project_name}/packages/tg-mlflow-doctor"
        if not find_bucket(self.aws, name):
            return Finding.skipped("not checked, as the bucket is not there yet")
        s3, kms_key = partial(self.aws.client, "s3"), self._config.kms_key
        settings = {} if kms_key is None else {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}
        upload = self.aws.call(
            f"nothing can be written to s3://{name}/{key}",
            lambda: s3().create_multipart_upload(Bucket=name, Key=key, **settings)["UploadId"],
        )
        try:
            self.aws.call(
                "an upload cannot be given up",
                lambda: s3().abort_multipart_upload(Bucket=name, Key=key, UploadId=upload),
            )
        except DeliveryError as error:
            return Finding.warning(
                f"yes, but the upload that was begun to see it stays: {error}",
                f"aws s3api abort-multipart-upload --bucket {name} --key {key} --upload-id {upload}",
            )
        return Finding.ok("yes")

    def find_quota(self) -> Finding:
        config = self._config
        check_instance_types(self.aws, [config.instance_type, *config.fallback_instance_types])
        what = f"{config.instance_type} for {'spot training' if config.spot else 'training'} job usage"
        try:
            quota = self.aws.call("the quota was not checked", lambda: find_quota(self.aws, what))
        except DeliveryError as error:
            return Finding.skipped(f"{config.instance_type} is known; {error}")
        if quota is None:
            return Finding.skipped(f"{config.instance_type} is known; AWS names no quota {what!r} in {self.aws.region}")
        found = f"the quota {what!r} is {quota.value:g}"
        if quota.value >= config.instance_count:
            return Finding.ok(found)
        return Finding.problem(
            f"{found}, and a training needs {config.instance_count}",
            f"aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code {quota.code} "
            f"--desired-value {config.instance_count} --region {self.aws.region}",
        )

    def find_repository(self) -> Finding:
        if self._config.image_repository is not None:
            return Finding.skipped(
                f"{self._config.image_repository}; not checked, as only a push shows whether `docker login` suffices"
            )
        name, ecr = build_repository_name(self._project_name), partial(self.aws.client, "ecr")
        self.aws.call("ECR gives no token for a push", lambda: ecr().get_authorization_token())
        try:
            self.aws.call(
                f"the ECR repository {name!r} cannot be looked at",
                lambda: ecr().describe_repositories(repositoryNames=[name]),
            )
        except DeliveryError as error:
            if error_code(error.__cause__) != "RepositoryNotFoundException":
                raise
            return Finding.ok(f"{name} is not in ECR yet; the first push creates it")
        return Finding.ok(f"{name} in ECR, which gives a token for a push")


def find_principal(caller: str) -> str:
    """Returns whose policies decide on a caller: those of the role for a session of it."""
    parts = caller.split(":")
    if parts[2] == "sts" and parts[-1].startswith("assumed-role/"):
        return f"arn:{parts[1]}:iam::{parts[4]}:role/{parts[-1].split('/')[1]}"
    return caller
