"""Tables of metrics."""

import math
import statistics
from collections.abc import Mapping, Sequence

from tg_mlflow.description.markdown import escape, format_row, format_rule

_MOST_METRICS = 12
# MLflow stores infinities as the largest numbers.
_LARGEST = 1.797e308


def tabulate_folds(folds: Mapping[str, Sequence[float]], count: int) -> str | None:
    """Shows the mean and the standard deviation, that of a sample, of metrics that were measured on several splits.

    Args:
        folds: The values of all splits, by metric.
        count: How many such metrics there are.
    """
    if not folds:
        return None
    rows = [format_row(["metric", "mean", "standard deviation", "folds"]), format_rule(4)]
    for name, values in folds.items():
        is_finite = all(map(_is_finite, values))
        deviation = _format(statistics.stdev(values)) if len(values) > 1 and is_finite else ""
        mean = _format(statistics.fmean(values)) if is_finite else "nan"
        rows.append(format_row([escape(name), mean, deviation, str(len(values))]))
    return _join(rows, count - len(folds))


def tabulate_metrics(metrics: Mapping[str, float]) -> str | None:
    """Shows the last values of metrics."""
    if not metrics:
        return None
    rows = [format_row(["metric", "last value"]), format_rule(2)]
    rows += [format_row([escape(name), _format(metrics[name])]) for name in list(metrics)[:_MOST_METRICS]]
    return _join(rows, len(metrics) - _MOST_METRICS)


def _join(rows: Sequence[str], left_out: int) -> str:
    more = f"\n\n{left_out} more are among the metrics." if left_out > 0 else ""
    return "\n".join(rows) + more


def _format(value: float) -> str:
    if not _is_finite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return f"{value:.6g}"


def _is_finite(value: float) -> bool:
    return math.isfinite(value) and abs(value) < _LARGEST
