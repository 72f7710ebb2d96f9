"""Writes to a run's tags what its metrics do not show: their original names, and which of them are missing."""

import json
import logging

from mlflow.entities import Metric, RunTag

from tg.common.delivery.sagemaker import format_metric_line
from tg.common.secrets import SecretMask
from tg_mlflow.recording.metric_names import MetricNames, format_name_tags
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import METRIC_NAMES_TAG, REFUSED_METRICS_TAG, UNREADABLE_METRICS_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")

_MOST_TAGS = 100
_LONGEST_EXAMPLE = 200
_LONGEST_REASON = 1000


class MetricNotes:
    """Writes ``tg.metric_names`` and, if there is more than one tag holds, ``tg.metric_names.2`` and so on;
    ``tg.unreadable_metrics`` and ``tg.refused_metrics``, with how many there are and the first one.

    Args:
        client: The tracking server's.
        run_id: A run that exists.
        names: The names that keys stand for.
        mask: Secrets, which the tags are without.

    Attributes:
        refused_count: How many metrics the server has refused.
    """

    def __init__(self, client: TrackingClient, run_id: str, names: MetricNames, mask: SecretMask) -> None:
        self.refused_count = 0
        self._client = client
        self._run_id = run_id
        self._names = names
        self._mask = mask
        self._first_refused: dict[str, str] = {}
        # What has been written: how many names are in how many tags, and how many refused metrics.
        self._name_count = 0
        self._name_tags: list[str] = []
        self._written_refused_count = 0

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
        for start in range(0, len(tags), _MOST_TAGS):
            self._client.log_batch(self._run_id, tags=tags[start : start + _MOST_TAGS])
        self._name_count, self._name_tags, self._written_refused_count = len(changed), texts, refused_count

    def write_unreadable(self, count: int, first: str) -> None:
        """Writes how many metrics could not be read."""
        text = _format({"count": count, "first": self._shorten(first)})
        self._client.set_tag(self._run_id, UNREADABLE_METRICS_TAG, text)

    def _shorten(self, line: str) -> str:
        return self._mask.mask(line)[:_LONGEST_EXAMPLE]


def _format(note: dict[str, int | str]) -> str:
    return json.dumps(note, ensure_ascii=False)
