"""Reports the values of an Optuna trial's metric while it is trained."""

from collections import defaultdict
from typing import TYPE_CHECKING

from tg.common import JobStoppedError
from tg.common.delivery.sagemaker import LogEvent, MetricLineParser, MetricPoint

if TYPE_CHECKING:
    import optuna


class _TrialPrunedError(JobStoppedError):
    """Raised to stop a training that its study has pruned."""


class TrialWatch:
    """Reads a trial's output during its training, and reports its metric to the study.

    A value that stays the only one is the result of a training that is over, and no reason to prune it: the first one,
    if its step is 0, is reported when there is a second one.

    Args:
        trial: The trial.
        metric: The metric, as the training calls it.

    Attributes:
        pruned_at: The step at which the study has pruned the trial.
    """

    def __init__(self, trial: "optuna.Trial", metric: str) -> None:
        self.pruned_at: int | None = None
        self._trial = trial
        self._metric = metric
        self._parsers = defaultdict[int, MetricLineParser](MetricLineParser)  # steps begin anew with each attempt
        self._has_begun = False
        self._held: MetricPoint | None = None

    def __call__(self, event: LogEvent) -> None:
        """Reads a piece of output.

        Raises:
            _TrialPrunedError: If the study prunes the trial.
        """
        if not event.has_metrics:
            return
        for point in self._parsers[event.attempt].feed(event.data, event.time_ms):
            if point.name == self._metric and point.step >= 0:
                self._take(point)

    def _take(self, point: MetricPoint) -> None:
        if point.step == 0 and not self._has_begun:
            self._has_begun, self._held = True, point
            return
        held, self._held, self._has_begun = self._held, None, True
        for each in (held, point):
            if each is not None:
                self._report(each)

    def _report(self, point: MetricPoint) -> None:
        self._trial.report(point.value, point.step)
        if self._trial.should_prune():
            self.pruned_at = point.step
            raise _TrialPrunedError(f"trial {self._trial.number} was pruned at step {point.step}")
