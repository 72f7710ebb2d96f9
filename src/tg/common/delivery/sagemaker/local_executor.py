"""Trains in a local container."""

from ...errors import DeliveryError
from .config import SagemakerConfig

DOCKERFILE_TEMPLATE = ""


class SagemakerLocalExecutor:
    """Not available yet.

    Raises:
        DeliveryError: Always.
    """

    def __init__(self, config: SagemakerConfig) -> None:
        raise DeliveryError("trainings in a local container are not available yet; use SagemakerAttachedExecutor")
