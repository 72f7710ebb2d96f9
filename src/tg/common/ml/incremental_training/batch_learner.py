"""Lets a model learn batch after batch."""

from typing import Any

import numpy as np

from ...errors import TaskDefinitionError
from ..single_frame_training import TrainingPipeline
from ..single_frame_training.learners import Rows, find_learner
from ..single_frame_training.learners.learner import takes_argument

Array = np.ndarray[Any, Any]


class BatchLearner:
    """Calls the ``partial_fit`` of a pipeline's model. What it takes is found out once, not for each batch.

    Args:
        pipeline: One whose other steps are fitted.
        classes: All labels that there are, for a classification.
    """

    def __init__(self, pipeline: TrainingPipeline, classes: Array | None) -> None:
        self._pipeline = pipeline
        self._model = pipeline.steps[-1][1]
        self._library = find_learner(self._model)
        self._takes_weights = takes_argument(self._model.partial_fit, "sample_weight")
        self._arguments: dict[str, Any] = {}
        if classes is not None and takes_argument(self._model.partial_fit, "classes"):
            self._arguments["classes"] = self._library.prepare_labels(self._model, pipeline.encode(classes))

    @property
    def loss(self) -> float | None:
        """What the model says of its loss in the last batch, if anything."""
        loss = getattr(self._model, "loss_", None)
        return None if loss is None else float(loss)

    def learn(self, batch: Rows) -> None:
        """Learns from a batch more, whose features are as the pipeline gives them to the model.

        Raises:
            DatasetError: If the model does not take the columns.
            TaskDefinitionError: If it takes no weights, and there are some.
        """
        arguments = self._arguments
        if batch.weights is not None:
            if not self._takes_weights:
                raise TaskDefinitionError(
                    f"the model {type(self._model).__name__} takes no sample_weight in partial_fit; drop "
                    "weight_column, or use another model"
                )
            arguments = {**arguments, "sample_weight": batch.weights}
        labels = self._library.prepare_labels(self._model, self._pipeline.encode(batch.labels))
        with self._pipeline.explaining_errors(batch.features):
            self._model.partial_fit(batch.features, labels, **arguments)
