"""Delivers a training to AWS for jobs that others create, such as SageMaker's tuner."""

from typing import Any

from ..executor.job_request import JobRequest
from ..remote.delivery import RemoteDelivery
from ..remote.remote_executor import RemoteExecutor


def deliver_training(executor: RemoteExecutor, request: JobRequest) -> dict[str, Any]:
    """Builds and pushes the image, or uploads the package, and returns the request that creates a job.

    It equals the request of :meth:`RemoteExecutor.submit`, without the mark by which an executor recognizes its jobs.

    Args:
        executor: The account.
        request: The training, and the name in the request.

    Raises:
        DeliveryError: As :meth:`RemoteExecutor.submit` does.
        DatasetError: If the dataset is not in S3.
    """
    job_id, training = request.job_id, request.delivery
    delivery = RemoteDelivery(training, executor.aws, executor.connect, None)
    target = delivery.find_target(job_id)
    there = delivery.deliver(target)
    return target.build_request(training, job_id, there.image, **there.details)
