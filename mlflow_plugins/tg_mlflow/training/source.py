"""Where a training comes from: it is prepared anew for each attempt."""

from contextlib import AbstractContextManager
from typing import Protocol

from tg.common.delivery.sagemaker import Executor, SagemakerConfig
from tg_mlflow.places.config import PlaceConfig


class TrainingSource(Protocol):
    """Supplies a task and its package."""

    def delivering(self, config: PlaceConfig) -> AbstractContextManager[SagemakerConfig]:
        """Opens what is needed until the job has been submitted.

        Args:
            config: How it is to be delivered.

        Returns:
            A context with the delivery, whose package has been made.
        """

    def following(self, executor: Executor, job_id: str) -> AbstractContextManager[None]:
        """Opens what is needed while the job runs."""
