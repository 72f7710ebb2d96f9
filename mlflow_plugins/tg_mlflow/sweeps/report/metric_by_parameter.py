"""Draws the metrics of a sweep's trainings over one of their parameters."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from tg_mlflow.figures.labels import as_label
from tg_mlflow.sweeps.report.axes import (
    LONGEST_LEGEND,
    MOST_VALUES_AS_TICKS,
    SweepAxis,
    build_metric_axis,
    build_parameter_axis,
)
from tg_mlflow.sweeps.report.table import SweepChildResult


def build_metric_by_parameter(
    drawn: Sequence[SweepChildResult],
    parameter: str,
    metrics: Sequence[str],
    best: SweepChildResult | None,
    grid: Mapping[str, Sequence[Any]],
) -> Figure:
    """Builds the figure of children, with axes for each metric, one below the other."""
    across = build_parameter_axis(drawn, parameter, grid)
    figure = Figure(figsize=(6, 4.5 if len(metrics) == 1 else 1 + 2.2 * len(metrics)), dpi=100, layout="constrained")
    rows = figure.subplots(len(metrics), 1, sharex=True, squeeze=False)[:, 0]
    for axes, metric in zip(rows, metrics, strict=True):
        up = build_metric_axis(drawn, metric)
        points = pd.DataFrame({"x": across.coordinates, "y": up.coordinates}).dropna()
        medians = points.groupby("x")["y"].median()
        if 2 * len(medians) <= len(points):
            axes.plot(medians.index, medians, color="0.6", linestyle="--", linewidth=1, zorder=1, label="median")
        axes.scatter(points["x"], points["y"], s=28, alpha=0.7, zorder=2)
        if best is not None:
            i = next(i for i, child in enumerate(drawn) if child is best)
            label = f"best: {as_label(best.name, LONGEST_LEGEND)}"
            axes.scatter(
                [across.coordinates[i]], [up.coordinates[i]], s=110, marker="*", color="C3", zorder=3, label=label
            )
        if axes is rows[0] and axes.get_legend_handles_labels()[0]:
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, borderaxespad=0.1)
        axes.set_ylabel(up.label)
        axes.grid(alpha=0.25)
        if up.is_log:
            axes.set_yscale("log")
    _set_ticks_across(rows[-1], across)
    rows[-1].set_xlabel(across.label)
    what = rows[0].get_ylabel() if len(metrics) == 1 else f"{len(metrics)} metrics"
    figure.suptitle(f"{what} by {across.label}")
    return figure


def _set_ticks_across(axes: Axes, axis: SweepAxis) -> None:
    if axis.is_log:
        axes.set_xscale("log")
    ticks = axis.ticks
    heights = [axis.scale(coordinate) for coordinate, _ in ticks]
    longest = max(len(label) for _, label in ticks)
    if axis.categories:
        axes.set_xlim(-0.5, len(axis.categories) - 0.5)
    # Values that occur are marked where their labels have room, else matplotlib chooses round ones.
    elif len(axis.values) > MOST_VALUES_AS_TICKS or min(np.diff(heights)) < 0.022 * max(longest, 2):
        return
    axes.set_xticks([coordinate for coordinate, _ in ticks], [label for _, label in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    if longest * len(ticks) > 55:
        axes.tick_params(axis="x", labelrotation=35)
        for label in axes.get_xticklabels():
            label.set(horizontalalignment="right", rotation_mode="anchor")
