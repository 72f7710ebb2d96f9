"""Reads the metrics that one attempt of a job writes, and leaves out those that another one has said before."""

from collections.abc import Mapping, Sequence

from tg.common.delivery.sagemaker import MetricLineParser, MetricPoint
from tg_mlflow.recording.metric_patterns import MetricPatterns
from tg_mlflow.replay.said_points import SaidPoints


class AttemptPoints:
    """Reads the text of one attempt. Where it gives no steps, they begin anew with it: at 0, for each name.

    Args:
        attempt: The attempt's number, from 1.
        said: What other attempts have said.
        metric_regexes: How metrics are found besides metric lines, as :class:`MetricPatterns` takes them.
    """

    def __init__(self, attempt: int, said: SaidPoints, metric_regexes: Mapping[str, str]) -> None:
        self.attempt = attempt
        self._said = said
        self._parser = MetricLineParser()
        self._patterns = MetricPatterns(metric_regexes)
        self._cut_count = 0

    @property
    def unreadable_count(self) -> int:
        """How many metric lines could not be read so far."""
        return self._parser.unreadable_count - self._cut_count

    @property
    def first_unreadable(self) -> str | None:
        """The first of these."""
        return self._parser.first_unreadable if self.unreadable_count else None

    def feed(self, text: bytes, time_ms: int) -> list[MetricPoint]:
        """Reads the next bytes, which were written at ``time_ms``; returns the points that are new."""
        return self._select_new(self._parser.feed(text, time_ms), self._patterns.feed(text, time_ms))

    def finish(self, time_ms: int, is_cut: bool) -> list[MetricPoint]:
        """Ends the text, and returns the new points that were waiting for more.

        Args:
            time_ms: When its end was written.
            is_cut: Whether it may have been cut within a line, which is not unreadable then.
        """
        before = self._parser.unreadable_count
        points = self._select_new(self._parser.finish(time_ms), self._patterns.finish(time_ms))
        self._cut_count = self._parser.unreadable_count - before if is_cut else 0
        return points

    def _select_new(self, *kinds: Sequence[MetricPoint]) -> list[MetricPoint]:
        find, attempt = self._said.find, self.attempt
        return [
            each
            for kind, points in enumerate(kinds)
            for each in points
            if find(attempt, (kind, each.name), each.name, each.step, each.value, each.time_ms) is None
        ]
