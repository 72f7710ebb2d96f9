"""Draws a sweep's trainings as lines across their parameters to their metrics."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import NullLocator

from tg_mlflow.figures.labels import as_label
from tg_mlflow.sweeps.report.axes import LONGEST_LEGEND, SweepAxis, build_metric_axis, build_parameter_axis
from tg_mlflow.sweeps.report.table import Mode, SweepChildResult

_LONGEST_HORIZONTAL_LABEL = 12
_FEW_LINES = 30
# Labels on an axis that are closer than this share of its height overlap.
_LEAST_DISTANCE = 0.045


def build_parallel_coordinates(
    drawn: Sequence[SweepChildResult],
    parameters: Sequence[str],
    metrics: Sequence[str],
    best: SweepChildResult | None,
    mode: Mode,
    grid: Mapping[str, Sequence[Any]],
) -> Figure:
    """Builds the figure of children that all have a value of the first metric."""
    axes_of_metrics = [build_metric_axis(drawn, name) for name in metrics]
    shown = [*(build_parameter_axis(drawn, name, grid) for name in parameters), *axes_of_metrics]
    figure = Figure(figsize=(max(6.0, 1.2 * len(shown) + 1.6), 4.5), dpi=100, layout="constrained")
    axes = figure.subplots()
    coloured = axes_of_metrics[0]
    colours = ScalarMappable(_build_norm(coloured), _build_colours(mode))
    places = range(len(shown))
    ranks = np.argsort([each if mode == "max" else -each for each in coloured.coordinates], kind="stable")
    alpha = max(0.15, 0.8 * min(1.0, (_FEW_LINES / len(drawn)) ** 0.5))
    # The better ones lie above the others, and the best above all.
    for i in sorted(map(int, ranks), key=lambda i: drawn[i] is best):
        style: dict[str, Any] = {"linewidth": 1.3, "alpha": alpha}
        if drawn[i] is best:
            outline = withStroke(linewidth=7.0, foreground="white")
            style = {
                "linewidth": 4.0,
                "path_effects": [outline],
                "label": f"best: {as_label(drawn[i].name, LONGEST_LEGEND)}",
            }
        colour = colours.to_rgba(np.array(coloured.coordinates[i]))
        axes.plot(places, [axis.scale(axis.coordinates[i]) for axis in shown], color=colour, **style)
    for place, axis in zip(places, shown, strict=True):
        axes.axvline(place, color="black" if place < len(parameters) else "0.45", linewidth=1, zorder=3)
        _write_ticks(axes, place, axis)
    rotated = max(len(axis.label) for axis in shown) > _LONGEST_HORIZONTAL_LABEL
    axes.set_xticks(places, [axis.full_label for axis in shown])
    if rotated:
        axes.tick_params(axis="x", labelrotation=25)
        for text in axes.get_xticklabels():
            text.set(horizontalalignment="right", rotation_mode="anchor")
    axes.tick_params(axis="x", length=0, pad=6)
    axes.set(yticks=[], xlim=(-0.45, len(shown) - 0.8), ylim=(-0.04, 1.04))
    axes.spines[:].set_visible(False)
    axes.set_title(f"{coloured.label} of {len(drawn)} trainings", pad=26 if best else 10)
    if best is not None:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, borderaxespad=0.1)
    if coloured.range[0] < coloured.range[1]:
        bar = figure.colorbar(colours, ax=axes, label=coloured.full_label, pad=0.01, fraction=0.04)
        bar.ax.yaxis.set_minor_locator(NullLocator())
    return figure


def _write_ticks(axes: Axes, place: int, axis: SweepAxis) -> None:
    last = -1.0
    for coordinate, label in axis.ticks:
        height = axis.scale(coordinate)
        axes.plot([place - 0.03, place], [height, height], color="black", linewidth=1, zorder=3)
        if height - last < _LEAST_DISTANCE:
            continue
        last = height
        box = {"facecolor": "white", "alpha": 0.9, "edgecolor": "none", "pad": 0.8}
        axes.text(place - 0.06, height, label, ha="right", va="center", fontsize=8, bbox=box, zorder=4)


def _build_norm(axis: SweepAxis) -> Normalize:
    if axis.range[0] == axis.range[1]:
        return Normalize(axis.range[0] - 1, axis.range[0] + 1)
    return LogNorm(*axis.range) if axis.is_log else Normalize(*axis.range)


def _build_colours(mode: Mode) -> Colormap:
    # The better, the darker; the palest colours, which are hardly visible on white, are not used.
    shades = colormaps["viridis"](np.linspace(0.93, 0, 256))
    return ListedColormap(shades if mode == "max" else shades[::-1])
