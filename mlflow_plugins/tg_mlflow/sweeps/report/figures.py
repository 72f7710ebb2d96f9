"""Draws the relation of a sweep's parameters and metrics, each figure with its data beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tg_mlflow.sweeps.report.metric_by_parameter import build_metric_by_parameter
from tg_mlflow.sweeps.report.parallel_coordinates import build_parallel_coordinates
from tg_mlflow.sweeps.report.table import Mode, SweepChildResult, choose_metrics, find_best, name_varying

MOST_PARAMETERS = 12


def list_drawn_parameters(
    children: Sequence[SweepChildResult], primary_metric: str | None, grid: Mapping[str, Sequence[Any]]
) -> list[str]:
    """Lists the parameters that can be drawn, at most twelve.

    These are those that differ between the finished children with a finite value of the metric that is drawn.
    """
    metrics = choose_metrics(children, primary_metric)
    return name_varying(_choose_drawn(children, metrics), grid)[:MOST_PARAMETERS] if metrics else []


def draw_parallel_coordinates(
    path: Path,
    children: Sequence[SweepChildResult],
    primary_metric: str | None,
    mode: Mode,
    grid: Mapping[str, Sequence[Any]],
) -> bool:
    """Writes ``<path>.png`` and ``<path>.csv``: a line for each child, across its parameters to its metrics.

    A line has the colour of its first metric's value, and the best child's is thick. Children that are not finished or
    have no finite value of that metric are left out.

    Args:
        path: Where to, without the suffix.
        children: The sweep's.
        primary_metric: The metric; without one, the first six by name are shown, and no line is thick.
        mode: Whether the greatest or the least value is the best.
        grid: Values by parameter, in the order in which categories are shown.

    Returns:
        Whether there is something to draw: two children at least, and a parameter in which they differ.
    """
    names = list_drawn_parameters(children, primary_metric, grid)
    if not names:
        return False
    metrics = choose_metrics(children, primary_metric)
    drawn = _choose_drawn(children, metrics)
    figure = build_parallel_coordinates(drawn, names, metrics, find_best(drawn, primary_metric, mode), mode, grid)
    _write(path, figure, _build_data(drawn, names, metrics))
    return True


def draw_metric_by_parameter(
    path: Path,
    children: Sequence[SweepChildResult],
    parameter: str,
    primary_metric: str | None,
    mode: Mode,
    grid: Mapping[str, Sequence[Any]],
) -> bool:
    """Writes ``<path>.png`` and ``<path>.csv``: a point for each child, and the median of those with equal values.

    Args:
        path: Where to, without the suffix.
        children: The sweep's.
        parameter: One of :func:`list_drawn_parameters`.
        primary_metric: As in :func:`draw_parallel_coordinates`; each of several metrics has axes of its own.
        mode: Whether the greatest or the least value is the best.
        grid: Values by parameter, in the order in which categories are shown.

    Returns:
        Whether there is something to draw.
    """
    if parameter not in list_drawn_parameters(children, primary_metric, grid):
        return False
    metrics = choose_metrics(children, primary_metric)
    drawn = _choose_drawn(children, metrics)
    best = find_best(drawn, primary_metric, mode)
    _write(
        path, build_metric_by_parameter(drawn, parameter, metrics, best, grid), _build_data(drawn, [parameter], metrics)
    )
    return True


def _choose_drawn(children: Sequence[SweepChildResult], metrics: Sequence[str]) -> list[SweepChildResult]:
    return [child for child in children if metrics and child.get_metric(metrics[0]) is not None]


def _build_data(drawn: Sequence[SweepChildResult], parameters: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    columns: dict[str, Any] = {"name": [child.name for child in drawn]}
    columns |= {
        f"params.{name}": pd.Series([c.parameters.get(name) for c in drawn], dtype=object) for name in parameters
    }
    columns |= {f"metrics.{name}": [child.get_metric(name) for child in drawn] for name in metrics}
    return pd.DataFrame(columns)


def _write(path: Path, figure: Figure, data: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    data.to_csv(path.with_name(f"{path.name}.csv"), index=False)
    figure.savefig(path.with_name(f"{path.name}.png"))
