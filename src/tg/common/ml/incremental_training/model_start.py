"""Prepares a model for its first batch: its classes, its seed, and the steps before it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...errors import DatasetError, TaskDefinitionError, listed
from ..single_frame_training import Evaluator, LabelledFrame, TrainingPipeline
from ..single_frame_training.evaluation import CLASSIFICATIONS, Regression
from ..single_frame_training.learners import Rows
from ..single_frame_training.learners.learner import is_model_classifier


def start_model(
    model: TrainingPipeline, sample: LabelledFrame, evaluator: Evaluator, classes: Sequence[Any] | None, seed: int
) -> Any:
    """Fits the steps before the model.

    Args:
        model: A new pipeline.
        sample: Rows to learn from.
        evaluator: Says whether there are classes.
        classes: All that there are, if they are given.
        seed: For all parts of the pipeline whose ``random_state`` is ``None``.

    Returns:
        All classes, in ascending order; ``None`` for a regression.

    Raises:
        DatasetError: If the sample is unfit, or has a class that is not given.
        TaskDefinitionError: If the model has no ``partial_fit`` or is a classifier for a regression, or classes are
            not of the labels' type.
    """
    last = model.steps[-1][1]
    if not callable(getattr(last, "partial_fit", None)):
        raise TaskDefinitionError(
            f"the model {type(last).__name__} has no partial_fit, so it cannot learn batch by batch; use one that has, "
            "such as SGDClassifier or SGDRegressor, or SingleFrameTrainingTask"
        )
    is_classifier = is_model_classifier(last)
    if is_classifier and isinstance(evaluator, Regression):
        raise TaskDefinitionError(
            f"the model {type(last).__name__} is a classifier, and the evaluator is Evaluation.regression; give "
            "another model, or the evaluator of a classification"
        )
    unset = [
        name
        for name, value in model.get_params().items()
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    ]
    model.set_params(**dict.fromkeys(unset, seed))
    known, labels = None, sample.labels
    if isinstance(evaluator, CLASSIFICATIONS) or is_classifier:
        known = _find_classes(sample, classes)
        check_classes(sample, known)
        labels = labels if classes is None else known
    evaluator.check_labels(labels, sample.label_column)
    model.prepare(Rows(sample.frame[sample.features], sample.labels, sample.weights), known)
    return known


def check_classes(table: LabelledFrame, classes: Any) -> None:
    """Checks that the labels are known ones.

    Raises:
        DatasetError: If one is not.
    """
    labels = table.labels
    is_unknown = pd.Index(classes).get_indexer(labels) < 0
    if is_unknown.any():
        first = int(is_unknown.argmax())
        raise DatasetError(
            f"label column {table.label_column!r} has the class {_plain(labels[first])!r} in row "
            f"{table.frame.index[first]} of the dataset, and the known ones are {listed(classes.tolist(), most=10)}; "
            "give all of them as classes=[...]"
        )


def _find_classes(sample: LabelledFrame, given: Sequence[Any] | None) -> Any:
    found = np.unique(sample.labels)
    if given is None:
        return found
    try:
        classes = np.unique(np.asarray(given, found.dtype))
    except (TypeError, ValueError, OverflowError):
        classes = None
    # A conversion may hide that it is another value, such as "1" or 1.2.
    if classes is None or any(each not in classes.tolist() for each in given):
        raise TaskDefinitionError(
            f"classes are {list(given)!r}, and the label column {sample.label_column!r} has values such as "
            f"{_plain(found[0])!r}; give classes of their type"
        )
    return classes


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
