"""Measures a model that still learns, on the same rows each time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..single_frame_training import Evaluator, LabelledFrame, SingleFrameTrainingResult, TrainingPipeline
from ..single_frame_training.evaluation import evaluate_stages
from ..training_core import Artificier, MetricPool


class SampleEvaluation:
    """Predicts the rows of samples, and computes the metrics of each.

    Args:
        evaluator: Predicts.
        metrics: The metrics.
        artificiers: Called before the metrics are computed.
        samples: The rows, by stage.
        most_rows: How many rows of each sample are predicted, at most.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        metrics: MetricPool,
        artificiers: Sequence[Artificier],
        samples: dict[str, LabelledFrame],
        most_rows: int,
    ) -> None:
        self._evaluator = evaluator
        self._metrics = metrics
        self._artificiers = artificiers
        self._stages = {stage: _take_few(sample, most_rows) for stage, sample in samples.items()}

    def measure(self, model: TrainingPipeline) -> SingleFrameTrainingResult:
        """Returns the model with its predictions and its metrics.

        Raises:
            TaskDefinitionError: If a metric cannot be computed.
        """
        result = SingleFrameTrainingResult(model, evaluate_stages(self._evaluator, model, self._stages), info={})
        for artificier in self._artificiers:
            artificier.run_before_metrics(result)
        result.metrics.update(self._metrics.measure(result.result_df, self._stages))
        return result


def _take_few(sample: LabelledFrame, most: int) -> tuple[Any, Any]:
    """Returns features and labels of rows from all over the sample."""
    chosen = pick_evenly(len(sample.frame), most)
    return sample.frame[sample.features].iloc[chosen], sample.labels[chosen]


def pick_evenly(count: int, most: int) -> "np.ndarray[Any, np.dtype[np.intp]]":
    """Returns at most ``most`` positions out of ``count``, at equal distances."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.intp)
