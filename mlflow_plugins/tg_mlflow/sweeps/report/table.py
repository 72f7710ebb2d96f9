"""The table of a sweep's trainings, and the best one."""

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import pandas as pd
from mlflow.entities import Run

from tg.common.errors import suggestion
from tg.common.secrets import SecretMask
from tg_mlflow.tracking.tags import OWN_PREFIX, SYSTEM_PREFIX

Mode: TypeAlias = Literal["max", "min"]

FINISHED = "FINISHED"
FAILED = "FAILED"
KILLED = "KILLED"
PRUNED = "PRUNED"  # a trial that its study has stopped
NOT_STARTED = "NOT STARTED"

_MOST_METRICS = 6


@dataclass(frozen=True)
class SweepChildResult:
    """The result of a training of a sweep.

    Attributes:
        name: Its name in the sweep.
        run_id: Its MLflow run; ``None`` if it was never started.
        status: ``FINISHED``, ``FAILED``, ``KILLED``, ``PRUNED`` or ``NOT STARTED``.
        seconds: How long it took.
        parameters: Its parameters: numbers, texts, bools, ``None`` and lists of them.
        metrics: The last value of each of its metrics, but those of its machine.
        failure: Why it has failed, in a line.
    """

    name: str
    run_id: str | None
    status: str
    seconds: float | None
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    failure: str | None

    def get_metric(self, name: str) -> float | None:
        """Returns a metric's value if the training is finished and the value is finite."""
        value = self.metrics.get(name)
        # MLflow stores an infinite value as the greatest finite one.
        is_finite = value is not None and math.isfinite(value) and abs(value) < sys.float_info.max
        return value if is_finite and self.status == FINISHED else None


def mask_result(result: SweepChildResult, mask: SecretMask) -> SweepChildResult:
    """Masks swept secrets, for what is shown or written to a file."""
    return replace(result, name=mask.mask(result.name), parameters=mask_values(result.parameters, mask))


def mask_values(values: Mapping[str, Any], mask: SecretMask) -> dict[str, Any]:
    """Masks named values: strings, and strings in lists."""

    def write(name: str, value: Any) -> Any:
        if isinstance(value, str):
            return mask.mask_named({name: value})[name]
        return [write(name, each) for each in value] if isinstance(value, (list, tuple)) else value

    return {name: write(name, value) for name, value in values.items()}


def build_sweep_table(children: Sequence[SweepChildResult]) -> pd.DataFrame:
    """Builds a row for each child, in their order.

    Returns:
        The columns ``name``, ``status``, ``seconds``, ``run_id``, a column ``params.<name>`` for each parameter and
        ``metrics.<name>`` for each metric, by name, and ``failure`` if there is any. A parameter's values are kept as
        they are, unless all of them are numbers.
    """
    parameters = name_all(child.parameters for child in children)
    metrics = sorted(name_all(child.metrics for child in children))
    columns: dict[str, Any] = {
        "name": [child.name for child in children],
        "status": [child.status for child in children],
        "seconds": pd.Series([child.seconds for child in children], dtype="float64"),
        "run_id": [child.run_id for child in children],
        **{f"params.{name}": _as_column([child.parameters.get(name) for child in children]) for name in parameters},
        **{
            f"metrics.{name}": pd.Series([child.metrics.get(name) for child in children], dtype="float64")
            for name in metrics
        },
    }
    if any(child.failure for child in children):
        columns["failure"] = [child.failure for child in children]
    return pd.DataFrame(columns)


def find_best(children: Sequence[SweepChildResult], primary_metric: str | None, mode: Mode) -> SweepChildResult | None:
    """Finds the finished child with the greatest or the least finite value of the metric, the first one of equal ones.

    Returns:
        ``None`` if no finished child has one, or no metric is named.
    """
    if primary_metric is None:
        return None
    known = [(value, child) for child in children if (value := child.get_metric(primary_metric)) is not None]
    if not known:
        return None
    choose = max if mode == "max" else min
    return choose(known, key=lambda each: each[0])[1]


def choose_metrics(children: Sequence[SweepChildResult], primary_metric: str | None) -> list[str]:
    """Returns the metrics to show: the primary one or, if none is named, the first six of trainings' own by name."""
    if primary_metric is not None:
        return [primary_metric]
    return [name for name in _known_metrics(children) if not name.startswith(OWN_PREFIX)][:_MOST_METRICS]


def describe_missing_metric(children: Sequence[SweepChildResult], primary_metric: str) -> str:
    """Describes in a line that no finished child has a value of the metric, with a suggestion."""
    known = [name for name in _known_metrics(children) if name != primary_metric]
    return f"no finished training has a finite value of primary_metric {primary_metric!r}; " + suggestion(
        primary_metric, known
    )


def name_varying(children: Sequence[SweepChildResult], grid: Mapping[str, Sequence[Any]]) -> list[str]:
    """Names the parameters that differ between these children, in the order of the grid, then of the children."""
    names = name_all([grid, *(child.parameters for child in children)])
    return [name for name in names if len({as_key(child.parameters.get(name)) for child in children}) > 1]


def name_all(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Returns the distinct keys of all mappings, in their order."""
    return list(dict.fromkeys(name for each in mappings for name in each))


def is_number(value: Any) -> bool:
    """Returns whether this is a finite number and not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def as_key(value: Any) -> str:
    """Formats a parameter so that only equal values have the same text: ``1`` is ``1.0``, but not ``True``."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True, default=str)


def _known_metrics(children: Sequence[SweepChildResult]) -> list[str]:
    names = name_all(child.metrics for child in children)
    return sorted(name for name in names if any(child.get_metric(name) is not None for child in children))


def _as_column(values: list[Any]) -> "pd.Series[Any]":
    # Otherwise a missing value would convert integers to floats, and bools to numbers.
    return pd.Series(values) if all(map(is_number, values)) else pd.Series(values, dtype=object)


def describe_child(
    run: Run, name: str, combination: Mapping[str, Any], status: str, failure: str | None
) -> SweepChildResult:
    """Builds the result of a training that has a run.

    Args:
        run: The run.
        name: What the training is called.
        combination: Its value of each parameter that the sweep is of.
        status: Its status.
        failure: Why it failed.
    """
    end_time = run.info.end_time
    seconds = None if end_time is None else (end_time - run.info.start_time) / 1000
    if status not in (FINISHED, KILLED):
        status = FAILED  # also if it is not completely recorded
    metrics = {key: value for key, value in run.data.metrics.items() if not key.startswith(SYSTEM_PREFIX)}
    return SweepChildResult(name, run.info.run_id, status, seconds, combination, metrics, failure)
