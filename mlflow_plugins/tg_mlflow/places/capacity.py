"""What is tried in turn where AWS has no machine of a kind to spare."""

from collections.abc import Iterator
from contextlib import contextmanager

from tg.common import JobFailedError
from tg.common.delivery.sagemaker import SagemakerExecutor, format_job_name
from tg_mlflow.places.config import BackendConfig, RemoteConfig


class NoCapacityError(JobFailedError):
    """The job has failed only since AWS had no such machine to spare."""


@contextmanager
def noticing_no_capacity(executor: SagemakerExecutor, job_id: str) -> Iterator[None]:
    """Tells a job that has failed for want of a machine from others that fail while the context is open.

    Raises:
        NoCapacityError: In place of the job's error.
    """
    try:
        yield
    except JobFailedError as error:
        if executor.is_remote and executor.status(job_id).lacks_machine:
            raise NoCapacityError(str(error)) from error
        raise


def list_attempts(config: BackendConfig) -> list[BackendConfig]:
    """The configurations to try: the given one, and one for each of ``fallback_instance_types``.

    A job's name is used up when the job fails, so that a given one gets a number.
    """
    attempts = [config]
    if isinstance(config, RemoteConfig):
        for number, instance_type in enumerate(config.fallback_instance_types, start=2):
            name = config.job_name and format_job_name(config.job_name, str(number))
            attempts.append(config.model_copy(update={"instance_type": instance_type, "job_name": name}))
    return attempts


def describe_machine(config: BackendConfig) -> str:
    """Which machine a configuration asks for."""
    return config.instance_type if isinstance(config, RemoteConfig) else "machine"
