"""A check of one thing that trainings need, and what it finds."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tg.common import TgError
from tg_mlflow.errors import describe_failure


class Outcome(Enum):
    """What has come of a check."""

    OK = "ok"
    WARNING = "warning"  # trainings run, but something will be slow, short or missing
    PROBLEM = "problem"  # trainings will fail
    SKIPPED = "skipped"  # it is not known


@dataclass(frozen=True)
class Finding:
    """What a check has found.

    Attributes:
        outcome: What has come of the check.
        found: What was found, or why nothing was, in one line.
        remedy: The command, or the setting, that mends it.
    """

    outcome: Outcome
    found: str
    remedy: str | None = None

    @staticmethod
    def ok(found: str) -> "Finding":
        """All is well."""
        return Finding(Outcome.OK, found)

    @staticmethod
    def warning(found: str, remedy: str | None = None) -> "Finding":
        """Trainings run, but something will be slow, short or missing."""
        return Finding(Outcome.WARNING, found, remedy)

    @staticmethod
    def problem(found: str, remedy: str | None = None) -> "Finding":
        """Trainings will fail."""
        return Finding(Outcome.PROBLEM, found, remedy)

    @staticmethod
    def skipped(reason: str) -> "Finding":
        """It was not checked."""
        return Finding(Outcome.SKIPPED, reason)

    @staticmethod
    def of_error(error: TgError) -> "Finding":
        """What an error says is a problem. As all of ours, its line ends with what to do, after a semicolon."""
        found, separator, remedy = describe_failure(error).rpartition("; ")
        return Finding.problem(found, remedy) if separator else Finding.problem(remedy)


@dataclass(frozen=True)
class Check:
    """A check of one thing.

    Attributes:
        name: What is checked, such as ``bucket``.
        look: Looks at it. It changes nothing, and leaves nothing behind. A ``TgError`` that it raises is a problem.
        needs: The names of earlier checks of the same subject: where one has found a problem, this one is skipped.
        seconds: How long it may take. One that takes longer has found a problem.
        silence_remedy: What mends it if there is no answer in that time.
        decides_use: Whether a place that fails it is just not used on this machine, which is no problem unless the
            user has named the place.
    """

    name: str
    look: Callable[[], Finding]
    needs: tuple[str, ...] = ()
    seconds: float = 10
    silence_remedy: str | None = None
    decides_use: bool = False
