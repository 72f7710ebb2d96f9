"""Where a run's job on SageMaker is, as tags of the run, so that it is found again from another machine."""

from collections.abc import Mapping

from tg.common.delivery.sagemaker import RemoteOptions, SagemakerExecutor, SagemakerRemoteExecutor

REGION_TAG = "tg.region"
PROFILE_TAG = "tg.profile"
METRICS_FROM_TAG = "tg.metrics_from"


def build_place_tags(executor: SagemakerExecutor) -> dict[str, str]:
    """Writes where an executor's jobs are; nothing for those that run on this machine.

    Raises:
        DeliveryError: If no region is known.
    """
    if not isinstance(executor, SagemakerRemoteExecutor):
        return {}
    remote = executor.config.options.remote
    tags = {REGION_TAG: executor.aws.region, METRICS_FROM_TAG: remote.metrics_from}
    return tags if remote.profile is None else {**tags, PROFILE_TAG: remote.profile}


def read_place_tags(tags: Mapping[str, str]) -> RemoteOptions:
    """Reads it again. A profile that this machine does not have is passed over: its own credentials may do."""
    if REGION_TAG not in tags:
        return RemoteOptions()
    profile = tags.get(PROFILE_TAG)
    if profile is not None and not _has_profile(profile):
        profile = None
    return RemoteOptions(
        region=tags[REGION_TAG], profile=profile, metrics_from=tags.get(METRICS_FROM_TAG, RemoteOptions.metrics_from)
    )


def _has_profile(name: str) -> bool:
    import boto3

    return name in boto3.Session().available_profiles
