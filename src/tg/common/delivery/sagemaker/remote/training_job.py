"""Creates, describes and stops jobs on SageMaker.

They are described through the resource layer of its SDK, whose import takes longer than creating a job: what comes
before there is one does without.
"""

import re
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from ....errors import DeliveryError, JobUnreachableError
from ....logger import Logger
from ....system.interrupts import uninterrupted
from ....system.waits import waiting_for
from ..aws.call_rates import WaitInterruptedError
from ..aws.errors import error_code, http_status, is_throttled
from ..aws.session import AwsSession
from ..contract.ml_folder import CHANNEL
from ..contract.variables import SUBMISSION_VARIABLE
from .state import JobDescription, StatusTransition

_QUOTA_CODES = ("ResourceLimitExceeded",)
# DescribeTrainingJob answers with a ValidationException, without a specific code.
_MISSING = re.compile(r"\bnot (be )?found|could not find", re.IGNORECASE)
# How often, a second apart, to look for a job whose creation was interrupted.
_LOOKS = 3


def has_job(aws: AwsSession, job_id: str) -> bool:
    """Returns whether there is a job of this name.

    Raises:
        botocore.exceptions.BotoCoreError: Like ClientError, for the caller to wait or to translate.
    """
    from botocore.exceptions import ClientError

    try:
        aws.client("sagemaker").describe_training_job(TrainingJobName=job_id)
    except ClientError as e:
        if _is_missing(e):
            return False
        raise
    return True


def describe_job(aws: AwsSession, job_id: str) -> JobDescription | None:
    """Returns SageMaker's description of a job; ``None`` if there is none.

    Raises:
        botocore.exceptions.BotoCoreError: Like ClientError, for the caller to wait or to translate.
    """
    from botocore.exceptions import ClientError
    from sagemaker.core.resources import TrainingJob

    session = _prepare_resources(aws)
    try:
        job = TrainingJob.get(training_job_name=job_id, session=session, region=aws.region)
    except ClientError as e:
        if _is_missing(e):
            return None
        raise
    return _read(job)


def create_job(aws: AwsSession, request: Mapping[str, Any], queue_seconds: float, pause_seconds: float) -> None:
    """Creates a job; waits while a quota is exhausted or the service is throttling.

    If this raises anything but a ``JobUnreachableError``, no job is left running: after an interrupt, one that may have
    been created is stopped. One whose creation was not answered is looked for, and is as good as any other.

    Args:
        aws: The account.
        request: The request from :func:`build_training_request`.
        queue_seconds: How long it waits.
        pause_seconds: The pause between two tries.

    Raises:
        DeliveryError: If it cannot be created.
        JobUnreachableError: If the answer is lost, and AWS does not say whether there is a job.
        KeyboardInterrupt: If the session's ``interrupted`` is set, which ends the waiting too.
    """
    job_id, deadline, has_told = request["TrainingJobName"], time.monotonic() + queue_seconds, False
    with ExitStack() as waiting:
        while True:
            aws.pause(0)
            try:
                with uninterrupted() as held:
                    aws.call(f"job {job_id!r} cannot be created", lambda: _send(aws, request))
                held.raise_any()
                return
            except DeliveryError as e:
                cause = e.__cause__ or e
                if held.any:  # after Ctrl-C, do not wait any more
                    _stop_if_ours(aws, request)
                    held.raise_any()
                if error_code(cause) == "ResourceInUse":
                    if _is_ours(aws, request):
                        return  # an earlier try has created it, and its answer was lost
                    raise DeliveryError(
                        f"there is a job {job_id!r} already; take another job_name, or leave it out"
                    ) from e
                is_waiting = error_code(cause) in _QUOTA_CODES or is_throttled(cause)
                if not is_waiting or time.monotonic() >= deadline:
                    if not 400 <= http_status(cause) < 500 and _has_come(aws, request):
                        return
                    raise
                if not has_told:
                    Logger.info(f"Waiting up to {queue_seconds:g} seconds: {e}")
                    has_told = True
                    waiting.enter_context(waiting_for(str(e)))
            except WaitInterruptedError:
                raise  # nothing was sent
            except BaseException:
                _stop_if_ours(aws, request)
                raise
            aws.pause(min(pause_seconds, max(0, deadline - time.monotonic())))


def stop_job(aws: AwsSession, job_id: str) -> None:
    """Requests a job's stop; does nothing if it has ended.

    Raises:
        botocore.exceptions.BotoCoreError: Like ClientError, for the caller to wait or to translate.
    """
    from botocore.exceptions import ClientError

    try:
        aws.client("sagemaker").stop_training_job(TrainingJobName=job_id)
    except ClientError:
        job_now = describe_job(aws, job_id)
        if job_now is None or not (job_now.is_final or job_now.status == "Stopping"):
            raise


def _has_come(aws: AwsSession, request: Mapping[str, Any]) -> bool:
    """Whether a request whose answer was lost has created a job, at once or a moment later."""
    try:
        for _ in range(_LOOKS):
            if _is_ours(aws, request):
                return True
            aws.pause(1)
    except DeliveryError as e:
        raise JobUnreachableError(f"{e}; it may have been created") from e
    except BaseException:
        _stop_if_ours(aws, request)
        raise
    return False


def _stop_if_ours(aws: AwsSession, request: Mapping[str, Any]) -> None:
    """Stops a job that this request may have created, at once or a moment later."""
    job_id = request["TrainingJobName"]
    try:
        with uninterrupted():
            for _ in range(_LOOKS):
                if _is_ours(aws, request):
                    aws.call(f"job {job_id!r} cannot be stopped", lambda: stop_job(aws, job_id))
                    return
                time.sleep(1)
    except DeliveryError as e:
        Logger.warning(f"{e}; see whether job {job_id!r} runs, and stop it")


def _send(aws: AwsSession, request: Mapping[str, Any]) -> None:
    # Not `TrainingJob.create`, which adds settings of the SDK's configuration files: the request is sent as it is
    # shown.
    aws.client("sagemaker").create_training_job(**request)


def _prepare_resources(aws: AwsSession) -> Any:
    """Makes the SDK's clients, while no other thread makes any; returns the session to which they belong."""
    from sagemaker.core.utils.utils import SageMakerClient

    with aws.lock:
        session = aws.session
        SageMakerClient(session=session, region_name=aws.region)
    return session


def _is_missing(error: Exception) -> bool:
    return error_code(error) == "ResourceNotFound" or _MISSING.search(str(error)) is not None


def _is_ours(aws: AwsSession, request: Mapping[str, Any]) -> bool:
    job_id, submission = request["TrainingJobName"], request["Environment"].get(SUBMISSION_VARIABLE)
    job = aws.call(f"job {job_id!r} cannot be looked at", lambda: describe_job(aws, job_id))
    return job is not None and submission is not None and job.submission == submission


def _read(job: Any) -> JobDescription:
    resources, stopping = job.resource_config or None, job.stopping_condition or None
    return JobDescription(
        job_id=job.training_job_name,
        arn=job.training_job_arn or "",
        status=job.training_job_status or "",
        secondary_status=job.secondary_status or "",
        failure_reason=job.failure_reason or "",
        transitions=tuple(
            StatusTransition(each.status, round(each.start_time.timestamp() * 1000), each.status_message or "")
            for each in job.secondary_status_transitions or ()
        ),
        image=(job.algorithm_specification.training_image or "") if job.algorithm_specification else "",
        instance_type=(_value(resources, "selected_instance_type") or _value(resources, "instance_type") or ""),
        instance_count=_value(resources, "instance_count") or 1,
        is_spot=bool(job.enable_managed_spot_training),
        max_run_seconds=_value(stopping, "max_runtime_in_seconds"),
        max_wait_seconds=_value(stopping, "max_wait_time_in_seconds"),
        dataset_uri=_find_dataset(job.input_data_config or ()),
        checkpoints_uri=_value(job.checkpoint_config or None, "s3_uri") or "",
        output_uri=job.output_data_config.s3_output_path if job.output_data_config else "",
        archive_uri=job.model_artifacts.s3_model_artifacts if job.model_artifacts else None,
        training_start_ms=_as_ms(job.training_start_time),
        training_seconds=_number(job.training_time_in_seconds),
        billable_seconds=_number(job.billable_time_in_seconds),
        submission=(job.environment or {}).get(SUBMISSION_VARIABLE),
    )


def _find_dataset(channels: Iterable[Any]) -> str:
    sources = [each.data_source.s3_data_source or None for each in channels if each.channel_name == CHANNEL]
    return next((str(source.s3_uri) for source in sources if source is not None), "")


def _value(shape: Any, name: str) -> Any:
    """Returns a field's value; ``None`` if it is unset, for which the SDK has an object of its own."""
    return None if shape is None else getattr(shape, name, None) or None


def _as_ms(value: Any) -> int | None:
    return round(value.timestamp() * 1000) if isinstance(value, datetime) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None
