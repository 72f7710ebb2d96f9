"""Metrics of predictions, computed over a result frame for each stage."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd

from ...errors import TaskDefinitionError, listed
from ...exception_text import message_of

MetricFunction: TypeAlias = Callable[..., float]


class Metric(ABC):
    """One or several numbers computed from the rows of one stage."""

    @abstractmethod
    def get_names(self) -> list[str]:
        """Returns the names of the numbers, without a stage."""

    @abstractmethod
    def measure(self, result_df: pd.DataFrame) -> Sequence[float]:
        """Computes the numbers, in the order of :meth:`get_names`.

        Args:
            result_df: The rows of one stage, with the columns ``true`` and ``predicted`` and what else the evaluation
                has written.
        """


class SklearnMetric(Metric):
    """A function ``(true, predicted) -> number`` such as those of :mod:`sklearn.metrics`.

    Args:
        function: Picklable by reference: a function of a module.
        name: By default, the function's own.
        threshold: Where given, predictions become labels first: 1.0 if above the threshold, else 0.0. Metrics of
            labels such as ``accuracy_score`` need it in a binary classification, where predictions are scores.
        kwargs: Further arguments for the function.
    """

    def __init__(
        self,
        function: MetricFunction,
        name: str | None = None,
        threshold: float | None = None,
        kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        if not callable(function):
            raise TaskDefinitionError(f"metric {function!r} is not a function (true, predicted) -> number")
        self.function = function
        self.name = name or str(getattr(function, "__name__", type(function).__name__))
        self.threshold = threshold
        self.kwargs = dict(kwargs or {})

    def get_names(self) -> list[str]:
        return [self.name]

    def measure(self, result_df: pd.DataFrame) -> list[float]:
        predicted = result_df["predicted"]
        if self.threshold is not None:
            predicted = (predicted > self.threshold).astype(float)
        try:
            return [float(self.function(result_df["true"].to_numpy(), predicted.to_numpy(), **self.kwargs))]
        except (ValueError, TypeError) as error:
            hint = "; for labels of a binary classification give threshold=0.5" if self.threshold is None else ""
            cause = message_of(error)
            raise TaskDefinitionError(f"metric {self.name!r} cannot be computed: {cause}{hint}") from error


class MetricPool:
    """The metrics of a task, computed for each stage and named ``<metric>_<stage>``."""

    def __init__(self) -> None:
        self.metrics: list[Metric] = []

    def add(self, metric: Metric) -> "MetricPool":
        """Adds a metric.

        Raises:
            TaskDefinitionError: If it is not a :class:`Metric`, or one of its names is taken.
        """
        if not isinstance(metric, Metric):
            raise TaskDefinitionError(f"{metric!r} is not a Metric; plain functions go to add_sklearn")
        taken = {name for known in self.metrics for name in known.get_names()}
        for name in metric.get_names():
            if name in taken:
                raise TaskDefinitionError(f"metric {name!r} is there already; give the second one another name")
            taken.add(name)
        self.metrics.append(metric)
        return self

    def add_sklearn(
        self, function: MetricFunction, name: str | None = None, threshold: float | None = None, **kwargs: Any
    ) -> "MetricPool":
        """Adds a function ``(true, predicted, **kwargs) -> number``; see :class:`SklearnMetric`."""
        return self.add(SklearnMetric(function, name, threshold, kwargs))

    def get_metric_names(self, stages: Iterable[str] = ("test", "train")) -> list[str]:
        """Returns the names under which :meth:`measure` reports."""
        stages = list(stages)
        return [f"{name}_{stage}" for metric in self.metrics for name in metric.get_names() for stage in stages]

    def measure(self, result_df: pd.DataFrame, stages: Iterable[str] = ("test", "train")) -> dict[str, float]:
        """Computes each metric for each stage.

        Args:
            result_df: One row a prediction, with a column ``stage``.
            stages: Values of ``stage``, in the order of reporting.

        Raises:
            TaskDefinitionError: If a metric cannot be computed on these predictions.
        """
        parts = {stage: result_df[result_df["stage"] == stage] for stage in stages}
        values: dict[str, float] = {}
        for metric in self.metrics:
            by_stage = {stage: _measure(metric, part) for stage, part in parts.items()}
            for name in metric.get_names():
                values.update({f"{name}_{stage}": numbers[name] for stage, numbers in by_stage.items()})
        return values


def _measure(metric: Metric, part: pd.DataFrame) -> dict[str, float]:
    names, numbers = metric.get_names(), metric.measure(part)
    if len(names) != len(numbers):
        raise TaskDefinitionError(
            f"{type(metric).__name__} gave {len(numbers)} values for its names {listed(names)}; give one value a name"
        )
    return {name: float(number) for name, number in zip(names, numbers, strict=True)}
