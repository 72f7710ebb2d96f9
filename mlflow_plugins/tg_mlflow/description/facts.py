"""What a description says, as values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mlflow.entities import Run, RunStatus

from tg_mlflow.description.failure_trace import FailureTrace
from tg_mlflow.description.progress import Progress
from tg_mlflow.tracking.tags import OWN_PREFIX, SYSTEM_PREFIX

# Of a metric of each split, with the split's number as step.
FOLD_PREFIX = "fold_"
# The unit of the progress of a task that has such metrics.
_FOLD = "fold"


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run.

    Attributes:
        run: The run.
        status: Its status, which it may get only now.
        now_ms: The time, in milliseconds since 1970 (UTC).
        progress: How far its training was, by the last that is known.
        trace: What explains its failure.
        folds: Of metrics that were measured on several splits, the values of all splits, by their plain names.
        pictures: The paths of figures among its artifacts.
        has_more_pictures: Whether there may be more, as not all folders were looked at.
    """

    run: Run
    status: str
    now_ms: int
    progress: Progress | None = None
    trace: FailureTrace | None = None
    folds: Mapping[str, Sequence[float]] = field(default_factory=dict)
    pictures: Sequence[str] = ()
    has_more_pictures: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended, or ends now."""
        return bool(RunStatus.is_terminated(RunStatus.from_string(self.status)))

    @property
    def has_folds(self) -> bool:
        """Whether the training tells that it has several splits."""
        return self.progress is not None and self.progress.unit == _FOLD and self.progress.of > 1

    @property
    def metrics(self) -> dict[str, float]:
        """The last values of the training's own metrics that were not measured on several splits, in their order."""
        metrics, foreign = self.run.data.metrics, [OWN_PREFIX, SYSTEM_PREFIX]
        if self.has_folds:
            metrics = {name: value for name, value in metrics.items() if f"{FOLD_PREFIX}{name}" not in metrics}
            foreign.append(FOLD_PREFIX)
        return {name: metrics[name] for name in _sort(metrics) if not name.startswith(tuple(foreign))}

    @property
    def fold_names(self) -> list[str]:
        """The plain names of metrics that were measured on several splits, in their order."""
        if not self.has_folds:
            return []
        plain = [name.removeprefix(FOLD_PREFIX) for name in self.run.data.metrics if name.startswith(FOLD_PREFIX)]
        # Curves of single splits, such as fold_0_validation_loss, have another form.
        return [name for name in _sort(plain) if not name.partition("_")[0].isdecimal()]


def _sort(names: Iterable[str]) -> list[str]:
    """Sorts metrics; those of the rows that were learned from come last."""
    return sorted(names, key=lambda name: (name.endswith("_train"), name))
