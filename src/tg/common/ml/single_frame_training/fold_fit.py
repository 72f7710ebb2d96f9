"""Fits the model of one split: on rows with their weights and groups, and validated on those held back."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import DatasetError, TaskDefinitionError, TgError
from ..training_core import Split, TrainingEnvironment
from .data_frame_loader import LabelledFrame
from .learners import VALIDATED, Rows, find_learner
from .training_pipeline import TrainingPipeline
from .validation import Validation


class FoldFit:
    """One fit.

    Args:
        model: Unfitted.
        validation: Which rows are held back, if any.
        prefix: Stands before the names of what is measured on them.
        environment: Takes these metrics.
    """

    def __init__(
        self, model: TrainingPipeline, validation: Validation | None, prefix: str, environment: TrainingEnvironment
    ) -> None:
        self.model = model
        self._validation = validation
        self._prefix = prefix
        self._environment = environment

    def run(self, table: LabelledFrame, split: Split, is_classification: bool) -> int | None:
        """Fits the model.

        Returns:
            The iteration, from 0, at which the model was best, if it was stopped early.

        Raises:
            DatasetError: If the rows cannot be divided, or the model does not accept them.
            TaskDefinitionError: If the model does not support validation, weights or groups, and there are some.
        """
        try:
            return self._fit(table, split, is_classification)
        except TgError:
            raise
        except ValueError as error:
            fraction = _find_fraction(table.labels[split.train]) if is_classification else None
            if fraction is None:
                raise
            raise DatasetError(
                f"label column {table.label_column!r} holds numbers with fractions, such as {fraction}, which are no "
                f"classes for {type(self.model.steps[-1][1]).__name__}: use Evaluation.regression with a regressor, "
                "cast it to text, or set encode_labels=True"
            ) from error

    def _fit(self, table: LabelledFrame, split: Split, is_classification: bool) -> int | None:
        groups = table.groups
        if groups is not None:
            _check_groups(table, split, groups)
        if self._validation is None:
            return self.model.train(_take(table, split.train))
        model = self.model.steps[-1][1]
        if not find_learner(model).takes_validation:
            raise TaskDefinitionError(
                f"the model {type(model).__name__} cannot be watched on a validation part; {VALIDATED} can. Drop "
                "`validation`, or use an option of the model itself, such as early_stopping of scikit-learn's"
            )
        classes = table.labels[split.train] if is_classification else None
        rest, held = self._validation.divide(
            table.frame, split.train, classes, None if groups is None else groups[split.train]
        )
        return self.model.train(_take(table, rest), _take(table, held), self._validation.rounds, self._report)

    def _report(self, name: str, value: float, step: int) -> None:
        self._environment.output_metric(f"{self._prefix}{name}", value, step)


def _find_fraction(labels: "np.ndarray[Any, Any]") -> float | None:
    """Returns the first label with a fraction; classifiers reject such numbers as continuous."""
    fractions = labels[labels != np.floor(labels)] if labels.dtype.kind == "f" else labels[:0]
    return float(fractions[0]) if fractions.size else None


def _take(table: LabelledFrame, positions: "Sequence[int] | np.ndarray[Any, Any]") -> Rows:
    """Selects the rows at these positions, with each group's rows together."""
    rows = np.asarray(positions)
    groups = table.groups
    if groups is not None:
        rows = rows[np.argsort(groups[rows], kind="stable")]
    weights = table.weights
    return Rows(
        table.frame[table.features].iloc[rows],
        table.labels[rows],
        None if weights is None else weights[rows],
        None if groups is None else groups[rows],
    )


def _check_groups(table: LabelledFrame, split: Split, groups: "np.ndarray[Any, Any]") -> None:
    """Checks that each group is in the training as a whole or not at all."""
    for stage, rows in split.tests.items():
        both = np.intersect1d(groups[split.train], groups[rows])
        if len(both):
            value = table.frame[table.group_column].iloc[int((groups == both[0]).argmax())]
            raise DatasetError(
                f"the group {str(value)!r} of column {table.group_column!r} has rows both in the training and in the "
                f"stage {stage!r}, as have {len(both) - 1} others; use GroupSplitter({table.group_column!r})"
            )
