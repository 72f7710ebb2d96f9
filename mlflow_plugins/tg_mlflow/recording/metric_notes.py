"""Writes to a run's tags what its metrics do not show: their original names, and which of them are not there."""

import json
import logging

from mlflow.entities import Metric, RunTag

from tg.common.delivery.sagemaker import format_metric_line
from tg_mlflow.recording.metric_names import MetricNames, format_name_tags
from tg_mlflow.replay.said_points import Difference, SaidPoints
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import (
    DIFFERING_METRICS_TAG,
    METRIC_NAMES_TAG,
    REFUSED_METRICS_TAG,
    UNREADABLE_METRICS_TAG,
)

_logger = logging.getLogger("mlflow.tg_mlflow")

_MOST_TAGS = 100
_LONGEST_EXAMPLE = 200
_LONGEST_REASON = 1000


class MetricNotes:
    """Writes ``tg.metric_names`` and, if there is more than one tag holds, ``tg.metric_names.2`` and so on;
    ``tg.unreadable_metrics``, ``tg.refused_metrics`` and ``tg.differing_metrics``, with how many there are and the
    first one. The tags are without the client's secrets.

    Args:
        client: The tracking server's.
        run_id: A run that exists.
        names: The names that keys stand for.
        said: Knows which points differ from those of another attempt.

    Attributes:
        refused_count: How many metrics the server has refused.
    """

    def __init__(self, client: TrackingClient, run_id: str, names: MetricNames, said: SaidPoints) -> None:
        self.refused_count = 0
        self._client = client
        self._run_id = run_id
        self._names = names
        self._said = said
        self._mask = client.mask
        self._first_refused: dict[str, str] = {}
        # What has been written: how many names are in how many tags, how many refused metrics, how many differences.
        self._name_count = 0
        self._name_tags: list[str] = []
        self._written_refused_count = self._written_difference_count = 0

    def add_refused(self, metric: Metric, answer: Exception) -> None:
        """Counts a metric that the server has refused."""
        self.refused_count += 1
        if self.refused_count == 1:
            name = self._names.changed.get(metric.key, metric.key)
            line = self._shorten(format_metric_line(name, metric.value, metric.step, metric.timestamp))
            reason = self._mask.mask(str(answer))[:_LONGEST_REASON]
            self._first_refused = {"first": line, "reason": reason}
            _logger.warning("The tracking server refuses %r (%s); the other metrics are recorded", line, reason)

    def write(self) -> None:
        """Writes the tags that have changed; may be called again if it raises."""
        tags: list[RunTag] = []
        changed = self._names.changed.copy()  # the log is read on meanwhile
        texts = self._name_tags
        if len(changed) > self._name_count:
            texts = format_name_tags(changed)
            tags += [
                RunTag(METRIC_NAMES_TAG if number == 1 else f"{METRIC_NAMES_TAG}.{number}", text)
                for number, text in enumerate(texts, 1)
                if self._name_tags[number - 1 : number] != [text]
            ]
        refused_count = self.refused_count
        if refused_count > self._written_refused_count:
            tags.append(RunTag(REFUSED_METRICS_TAG, _format({"count": refused_count, **self._first_refused})))
        difference_count, first = self._said.difference_count, self._said.first_difference
        if first is not None and difference_count > self._written_difference_count:
            tags.append(RunTag(DIFFERING_METRICS_TAG, _format({"count": difference_count, **self._describe(first)})))
        for start in range(0, len(tags), _MOST_TAGS):
            self._client.log_batch(self._run_id, tags=tags[start : start + _MOST_TAGS])
        self._name_count, self._name_tags, self._written_refused_count = len(changed), texts, refused_count
        self._written_difference_count = difference_count

    def _describe(self, difference: Difference) -> dict[str, int | str]:
        """Describes the first difference, and warns of it once."""
        name, step, attempt = self._shorten(difference.metric), difference.step, difference.attempt
        first, again = repr(difference.first), repr(difference.again)
        if not self._written_difference_count:
            _logger.warning(
                "Attempt %d says that %s is %s at step %d, where an attempt before has said %s, which is kept; give "
                "steps with metrics if the training resumes, and see the tag %s",
                attempt,
                name,
                again,
                step,
                first,
                DIFFERING_METRICS_TAG,
            )
        return {"metric": name, "step": step, "first": first, "again": again, "attempt": attempt}

    def write_unreadable(self, count: int, first: str) -> None:
        """Says, also as a warning, how many metrics could not be read."""
        _logger.warning("%d metric lines could not be read, the first one %r", count, self._mask.mask(first))
        text = _format({"count": count, "first": self._shorten(first)})
        self._client.set_tag(self._run_id, UNREADABLE_METRICS_TAG, text)

    def _shorten(self, line: str) -> str:
        return self._mask.mask(line)[:_LONGEST_EXAMPLE]


def _format(note: dict[str, int | str]) -> str:
    return json.dumps(note, ensure_ascii=False)
