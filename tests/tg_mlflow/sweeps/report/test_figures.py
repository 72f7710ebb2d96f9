"""What is drawn of a sweep: where the lines and points are, and what is written beside them."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tg_mlflow.sweeps.report.axes import SweepAxis, build_parameter_axis, format_numbers
from tg_mlflow.sweeps.report.figures import draw_metric_by_parameter, draw_parallel_coordinates, list_drawn_parameters
from tg_mlflow.sweeps.report.metric_by_parameter import build_metric_by_parameter
from tg_mlflow.sweeps.report.parallel_coordinates import build_parallel_coordinates
from tg_mlflow.sweeps.report.table import SweepChildResult

GRID = {"rate": [0.001, 0.1, 10], "kind": ["small", "large", "huge"], "size": [1, 3]}


def child(accuracy: float, status: str = "FINISHED", loss: float = math.nan, **parameters: Any) -> SweepChildResult:
    return SweepChildResult(f"A{accuracy:g}", "r", status, 1.0, parameters, {"accuracy": accuracy, "loss": loss}, None)


CHILDREN = [
    child(0.5, rate=0.001, kind="large", size=1, loss=0.1),
    child(0.9, rate=0.1, kind="small", size=3, loss=10.0),
    child(0.7, rate=10, kind="large", size=1, loss=100.0),
    child(0.6, rate=0.1, kind="large", size=1),
]
LEFT_OUT = [child(0.99, "FAILED", rate=99, kind="huge", size=7), child(math.nan, rate=77, kind="huge", size=8)]


def lines_of_children(axes: Axes) -> list[Line2D]:
    """The lines that go from axis to axis; ticks have two points and are black."""
    return [line for line in axes.get_lines() if len(line.get_xdata()) == 4]


def test_a_line_goes_through_the_values_of_its_child() -> None:
    figure = build_parallel_coordinates(CHILDREN, ["rate", "kind", "size"], ["accuracy"], CHILDREN[1], "max", GRID)
    axes = figure.axes[0]
    lines = lines_of_children(axes)
    # From the worst to the best: 0.001 to 10 is four decades, of which 0.1 is the middle.
    assert [list(map(float, line.get_ydata())) for line in lines] == [
        pytest.approx([0, 1, 0, 0]),
        pytest.approx([0.5, 1, 0, 0.25]),
        pytest.approx([1, 1, 0, 0.5]),
        pytest.approx([0.5, 0, 1, 1]),
    ]
    assert [line.get_linewidth() for line in lines] == [1.3, 1.3, 1.3, 4.0]
    assert len({line.get_color() for line in lines}) == 4
    assert [text.get_text() for text in axes.get_xticklabels()] == ["rate (log)", "kind", "size", "accuracy"]
    assert [text.get_text() for text in axes.texts] == [
        *("0.001", "0.1", "10"),
        *("small", "large"),
        *("1", "3"),
        *("0.5", "0.6", "0.7", "0.9"),
    ]
    assert axes.get_title() == "accuracy of 4 trainings"
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["best: A0.9"]
    assert figure.axes[1].get_ylabel() == "accuracy"
    assert figure.axes[1].get_ylim() == (0.5, 0.9)


def test_the_better_a_training_the_darker_its_line() -> None:
    for mode, expected in (("max", [0.5, 0.6, 0.7, 0.9]), ("min", [0.9, 0.7, 0.6, 0.5])):
        figure = build_parallel_coordinates(CHILDREN, ["kind", "rate", "size"], ["accuracy"], None, mode, GRID)
        lines = lines_of_children(figure.axes[0])
        heights = [float(np.asarray(line.get_ydata())[-1]) for line in lines]
        assert [round(0.5 + 0.4 * height, 6) for height in heights] == expected
        greens = [line.get_color()[1] for line in lines]
        assert greens == sorted(greens, reverse=True)


def test_a_metric_of_all_alike_and_one_that_is_missing() -> None:
    alike = [child(0.5, size=1, loss=0.1), child(0.5, size=3)]
    figure = build_parallel_coordinates(alike, ["size"], ["accuracy", "loss"], None, "max", {})
    (axes,) = figure.axes
    first, second = (line.get_ydata() for line in axes.get_lines() if len(line.get_xdata()) == 3)
    assert list(first) == [0, 0.5, 0.5]
    assert list(second)[:2] == [1, 0.5]
    assert math.isnan(list(second)[2])


def test_a_metric_over_a_parameter() -> None:
    figure = build_metric_by_parameter(CHILDREN, "rate", ["accuracy"], CHILDREN[1], GRID)
    (axes,) = figure.axes
    points, best = axes.collections
    assert np.asarray(points.get_offsets()).tolist() == [[0.001, 0.5], [0.1, 0.9], [10, 0.7], [0.1, 0.6]]
    assert np.asarray(best.get_offsets()).tolist() == [[0.1, 0.9]]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0.001", "0.1", "10"]
    assert (axes.get_xlabel(), axes.get_ylabel(), figure.get_suptitle()) == ("rate", "accuracy", "accuracy by rate")


def test_several_metrics_over_categories_have_axes_each() -> None:
    figure = build_metric_by_parameter(CHILDREN, "kind", ["accuracy", "loss"], None, GRID)
    accuracy, loss = figure.axes
    assert np.asarray(accuracy.collections[0].get_offsets()).tolist() == [[1, 0.5], [0, 0.9], [1, 0.7], [1, 0.6]]
    assert np.asarray(loss.collections[0].get_offsets()).tolist() == [[1, 0.1], [0, 10], [1, 100]]
    assert [text.get_text() for text in loss.get_xticklabels()] == ["small", "large"]
    assert (accuracy.get_yscale(), loss.get_yscale()) == ("linear", "log")
    (medians,) = accuracy.get_lines()
    assert np.asarray(medians.get_xydata()).tolist() == [[0, 0.9], [1, 0.6]]
    assert figure.get_suptitle() == "2 metrics by kind"


def test_pictures_have_their_data_beside_them_and_leave_out_what_has_no_value(tmp_path: Path) -> None:
    children = [*LEFT_OUT, *CHILDREN]
    assert draw_parallel_coordinates(tmp_path / "new" / "all", children, "accuracy", "max", GRID)
    assert draw_metric_by_parameter(tmp_path / "new" / "one.of", children, "size", None, "max", GRID)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"all.csv", "all.png", "one.of.csv", "one.of.png"}
    assert (tmp_path / "new" / "all.csv").read_text() == (
        "name,params.rate,params.kind,params.size,metrics.accuracy\n"
        "A0.5,0.001,large,1,0.5\nA0.9,0.1,small,3,0.9\nA0.7,10,large,1,0.7\nA0.6,0.1,large,1,0.6\n"
    )
    assert (tmp_path / "new" / "one.of.csv").read_text() == (
        "name,params.size,metrics.accuracy,metrics.loss\nA0.5,1,0.5,0.1\nA0.9,3,0.9,10.0\nA0.7,1,0.7,100.0\nA0.6,1,0.6,\n"
    )
    assert (tmp_path / "new" / "all.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("children", "metric"),
    [
        ([], None),
        (CHILDREN[:1], "accuracy"),
        ([*CHILDREN[:1], *LEFT_OUT], "accuracy"),
        ([CHILDREN[0], CHILDREN[0]], "accuracy"),
        (CHILDREN, "unknown"),
    ],
)
def test_without_two_children_that_differ_nothing_is_drawn(
    tmp_path: Path, children: list[SweepChildResult], metric: str | None
) -> None:
    assert not draw_parallel_coordinates(tmp_path / "all", children, metric, "max", GRID)
    assert not draw_metric_by_parameter(tmp_path / "one", children, "size", metric, "max", GRID)
    assert list(tmp_path.iterdir()) == []


def test_at_most_twelve_parameters_are_drawn() -> None:
    children = [child(0.1 * i, **{f"p{number}": i for number in range(20)}) for i in range(3)]
    assert list_drawn_parameters(children, "accuracy", {"p15": [0, 1, 2]}) == ["p15", *(f"p{i}" for i in range(11))]


def test_categories_are_in_the_order_of_the_grid_and_then_as_they_come() -> None:
    children = [child(1, x=value) for value in ("b", None, True, [1, 2], 3, "a  $x")]
    axis = build_parameter_axis(children, "x", {"x": [None, 7, 3]})
    assert axis.categories == ("None", "3", "b", "True", "[1, 2]", r"a \$x")
    assert axis.coordinates == (2, 0, 3, 4, 1, 5)


def test_a_log_scale_is_for_two_decades_of_positive_values_and_more() -> None:
    def is_log(*values: float) -> bool:
        return build_parameter_axis([child(1, x=value) for value in values], "x", {}).is_log

    assert is_log(0.01, 1.5)
    assert is_log(0.1, 1, 10)
    assert is_log(0.0001, 0.01)
    assert not is_log(0.011, 1)
    assert not is_log(0, 1000)
    assert not is_log(-1000, 1)


def test_labels_are_short_and_differ() -> None:
    assert SweepAxis("model_provider.constructor.kwargs.max_depth", (0.0, 1.0)).label == "…kwargs.max_depth"
    assert SweepAxis("a" * 30, (0.0, 1.0)).label == "…" + "a" * 24
    assert format_numbers([0.00001, 0.5, 3, 1e6]) == ["1e-5", "0.5", "3", "1e6"]
    assert format_numbers([0.8000011, 0.8000022]) == ["0.800001", "0.800002"]
    many = SweepAxis("x", tuple(float(10**i) for i in range(-4, 5)), is_log=True)
    assert many.ticks == [
        (pytest.approx(10.0**i), label)
        for i, label in zip((-4, -2, 0, 2, 4), ("0.0001", "0.01", "1", "100", "10000"), strict=True)
    ]
