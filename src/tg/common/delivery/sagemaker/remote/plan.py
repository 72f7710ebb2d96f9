"""Plans what a training on SageMaker would do, without doing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....system.temporary_folder import temporary_folder
from ..aws.s3_upload import Upload, find_missing
from ..aws.session import AwsSession
from ..executor.job_request import JobRequest
from .code_channel import build_entrypoint
from .dataset import locate_channels
from .delivery import RemoteDelivery
from .target import UNKNOWN_DIGEST, find_target
from .training_request import build_metric_definitions


@dataclass(frozen=True)
class RemotePlan:
    """The effects that :meth:`RemoteExecutor.submit` would have now.

    Attributes:
        request: The request; the digest of an image that has yet to be built is unknown.
        uploads: The missing files that would be uploaded, as ``(file, location in S3, bytes)``.
        image_repository: The repository to which an image would be pushed; ``None`` if none is built.
        left_out_metrics: The metrics that SageMaker's console will not show, as its limit is 40.
        notes: Further remarks, such as a missing dataset.
    """

    request: Mapping[str, Any]
    uploads: Sequence[tuple[str, str, int]] = ()
    image_repository: str | None = None
    left_out_metrics: Sequence[str] = ()
    notes: Sequence[str] = ()


def plan_job(request: JobRequest, aws: AwsSession, delivery: RemoteDelivery) -> RemotePlan:
    """Runs all checks of starting a job; creates and sends nothing.

    Args:
        request: The job.
        aws: The account.
        delivery: The delivery of its code.

    Raises:
        DeliveryError: If the job could not be started.
    """
    job_id, training = request.job_id, request.delivery
    target = find_target(training, aws, job_id, create=False)
    _, left_out = build_metric_definitions(training.job.task.get_metric_names())
    located = locate_channels(training.options, target.bucket)
    channels = {name: each.location for name, each in located.items()}
    inputs = [each.uploads for each in located.values()]
    kms_key, is_there = training.options.remote.kms_key, not target.notes

    def measure(*groups: Sequence[Upload]) -> tuple[tuple[str, str, int], ...]:
        missing = [
            each
            for uploads in groups
            for each in ((found.upload for found in find_missing(aws, uploads, kms_key)) if is_there else uploads)
        ]
        return tuple((each.path.name, str(each.location), each.path.stat().st_size) for each in missing)

    if target.ready_image is None:
        repository = delivery.repository_name
        content = target.build_request(training, job_id, f"{repository}@{UNKNOWN_DIGEST}", channels=channels)
        return RemotePlan(content, measure(*inputs), repository, tuple(left_out), target.notes)
    with temporary_folder() as folder:
        package = training.packaging.make_package(folder)
        location, uploads = delivery.plan_code(target, package)
        content = target.build_request(
            training, job_id, target.ready_image, code=location, entrypoint=build_entrypoint(), channels=channels
        )
        sizes = measure(*inputs, uploads)
    return RemotePlan(content, sizes, None, tuple(left_out), target.notes)
