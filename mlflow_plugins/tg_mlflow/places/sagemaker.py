"""``tg-sagemaker``: trains as a SageMaker training job."""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from tg.common.delivery.sagemaker import (
    AccountOptions,
    Executor,
    RemoteExecutor,
    RemoteOptions,
    SagemakerConfig,
    SharedAccount,
    VpcOptions,
    format_job_name,
)
from tg.common.delivery.sagemaker.aws.session import AwsSession
from tg.common.delivery.sagemaker.remote.limits import split_tags
from tg.common.errors import listed
from tg_mlflow.diagnosis.check import Check
from tg_mlflow.places.instance_price import InstancePrice, find_instance_price
from tg_mlflow.places.place import Place
from tg_mlflow.places.sagemaker_checks import list_sagemaker_checks
from tg_mlflow.places.sagemaker_config import RemoteConfig
from tg_mlflow.places.sagemaker_dry_run import describe_plan
from tg_mlflow.places.training_price import TrainingPrice

_logger = logging.getLogger("mlflow.tg_mlflow")

_PARALLEL = 10
# How long SageMaker gives a job to stop.
_STOP_SECONDS = 120


class SagemakerPlace(Place):
    """Trains as a SageMaker training job."""

    config_model = RemoteConfig
    options_model = AccountOptions
    has_prices = True

    def build_options(self, config: RemoteConfig, folder: Path) -> AccountOptions:
        return _build_account(config)

    def open(self, options: AccountOptions, is_shared: bool = False) -> Executor:
        """Opens an executor; a shared one keeps the account's rate limits for all its jobs."""
        account = SharedAccount(options.region, options.profile) if is_shared else None
        return RemoteExecutor(options, account=account)

    def read_options(self, given: Mapping[str, Any]) -> AccountOptions:
        """Reads the account. A profile that this machine lacks is dropped: its own credentials may suffice."""
        options = super().read_options(given)
        assert isinstance(options, AccountOptions)
        if options.profile is not None and not _has_profile(options.profile):
            return replace(options, profile=None)
        return options

    def build_job_options(self, config: RemoteConfig) -> dict[str, Any]:
        own = super().build_job_options(config)
        return {**own, "role": config.role or os.environ.get("AWS_ROLE"), "remote": _build_remote(config)}

    def list_attempts(self, config: RemoteConfig) -> list[RemoteConfig]:
        """Lists the given configuration, and one for each of ``fallback_instance_types``.

        A failed job has used up its name, so a given one gets a number.
        """
        attempts = [config]
        for number, instance_type in enumerate(config.fallback_instance_types, start=2):
            attempts.append(self.number_job(config, number).model_copy(update={"instance_type": instance_type}))
        return attempts

    def describe_attempt(self, config: RemoteConfig) -> str:
        return str(config.instance_type)

    def number_job(self, config: RemoteConfig, number: int) -> RemoteConfig:
        if config.job_name is None:
            return config
        return config.model_copy(update={"job_name": format_job_name(config.job_name, str(number))})

    def default_parallel(self) -> int:
        return _PARALLEL

    def describe_dry_run(self, delivery: SagemakerConfig, config: RemoteConfig) -> dict[str, Any]:
        executor = RemoteExecutor(_build_account(config))
        plan = executor.describe(executor.plan(delivery))
        return describe_plan(plan, delivery.options.remote, _find_price(config, executor.aws))

    def list_checks(self, config: RemoteConfig, folder: Path) -> Iterable[Check]:
        return list_sagemaker_checks(config, folder)

    def find_price(self, config: RemoteConfig) -> TrainingPrice:
        price = _find_price(config, AwsSession(config.region, config.profile))
        starts_anew = config.spot and not config.checkpoints and config.resume_from is None
        return TrainingPrice(
            config.instance_type, config.instance_count, config.max_run_seconds, price, _STOP_SECONDS, starts_anew
        )

    def limit_time(self, delivery: SagemakerConfig, seconds: int) -> SagemakerConfig:
        remote = delivery.options.remote
        if seconds >= remote.max_run_seconds:
            return delivery
        # With spot, the time for waiting stays as it was.
        wait_seconds = remote.max_wait_seconds or 2 * remote.max_run_seconds if remote.spot else None
        remote = replace(remote, max_run_seconds=max(1, seconds), max_wait_seconds=wait_seconds)
        return replace(delivery, options=replace(delivery.options, remote=remote))


def _find_price(config: RemoteConfig, aws: AwsSession) -> InstancePrice:
    if config.usd_per_hour is not None:
        return InstancePrice(Decimal(str(config.usd_per_hour)), "usd_per_hour")
    return find_instance_price(aws, config.instance_type)


def _build_account(config: RemoteConfig) -> AccountOptions:
    return AccountOptions(config.region, config.profile, config.metrics_from)


def _build_remote(config: RemoteConfig) -> RemoteOptions:
    """Builds the options of a job; its tags are the run's, for bills, as far as SageMaker accepts them."""
    own = {each.name for each in fields(RemoteOptions)} - {"tags", "vpc"}
    vpc = None if config.vpc is None else VpcOptions(config.vpc.subnets, config.vpc.security_group_ids)
    tags, left_out = split_tags(config.tags)
    if left_out:
        _logger.warning("SageMaker does not take the tags %s; they are the run's only", listed(left_out))
    return RemoteOptions(**{name: getattr(config, name) for name in own}, vpc=vpc, tags=tags)


def _has_profile(name: str) -> bool:
    import boto3

    return name in boto3.Session().available_profiles
