"""What happens between the start of a job and its upload, whatever it runs in."""

from dataclasses import dataclass
from typing import Literal, Protocol

Cause = Literal["exited", "stopped", "interrupted", "runtime_exceeded"]
"""Why a training is over."""


class JobFailure(Exception):
    """A job fails with this ``FailureReason``."""


@dataclass(frozen=True)
class Outcome:
    """How a training came to its end.

    Attributes:
        cause: Whether it ended by itself, or was ended.
        exit_code: The first one that is not 0, or 0.
        failure: What the training wrote to ``/opt/ml/output/failure``.
        is_out_of_memory: Whether the system killed it for lack of memory.
    """

    cause: Cause
    exit_code: int = 0
    failure: str = ""
    is_out_of_memory: bool = False


class Training(Protocol):
    """One job's work; the methods are called in this order, the first three again after an interruption."""

    def download_data(self) -> None:
        """Raises :class:`JobFailure` if data are missing."""

    def pull_image(self) -> None:
        """Raises :class:`JobFailure` if the image cannot be pulled."""

    def train(self, deadline: float) -> Outcome:
        """Runs until the training ends, or must end; ``deadline`` is of ``time.monotonic()``."""

    def upload(self, with_model: bool) -> None:
        """Uploads what the training made; the model of a failed one is not kept."""

    def discard(self) -> None:
        """Removes whatever is left on this machine."""
