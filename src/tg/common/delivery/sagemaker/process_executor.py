"""Trains in a child process that sees only the package."""

from ...errors import DeliveryError
from .config import SagemakerConfig


class SagemakerProcessExecutor:
    """Not available yet.

    Raises:
        DeliveryError: Always.
    """

    def __init__(self, config: SagemakerConfig) -> None:
        raise DeliveryError("trainings in a child process are not available yet; use SagemakerAttachedExecutor")
