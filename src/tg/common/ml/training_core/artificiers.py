"""User-defined steps of a training that change its results or add to them."""

from typing import Any


class Artificier:
    """Gets the result of one run of a task, and may change it or add to it.

    Both methods do nothing by default; override what is needed. ``result`` is the task's result object, for a
    single-frame training a ``SingleFrameTrainingResult``.
    """

    def run_before_metrics(self, result: Any) -> None:
        """Called when predictions are there, before metrics are computed: the place to change ``result.result_df``."""

    def run_before_storage(self, result: Any) -> None:
        """Called when metrics are there, before artifacts are stored: the place to add to ``result.artifacts``."""
