"""Brings a training to AWS for jobs that others create, such as SageMaker's tuner."""

from typing import Any

from ..remote.delivery import RemoteDelivery
from ..remote.remote_executor import SagemakerRemoteExecutor


def deliver_training(executor: SagemakerRemoteExecutor, job_id: str) -> dict[str, Any]:
    """Builds and pushes the image, or uploads the package, and gives the request by which a job is created.

    It is what :meth:`SagemakerRemoteExecutor.submit` would send, but for the mark by which an executor knows its jobs.

    Args:
        executor: The training and its account.
        job_id: The name in the request.

    Raises:
        DeliveryError: As :meth:`SagemakerRemoteExecutor.submit` does.
        DatasetError: If the dataset is not in S3.
    """
    delivery = RemoteDelivery(executor.config, executor.aws, lambda: executor.client, None)
    target = delivery.find_target(job_id)
    there = delivery.deliver(target)
    return target.build_request(executor.config, job_id, there.image, code=there.code, entrypoint=there.entrypoint)
