"""What figures and tables are as files."""

import io
import json
from datetime import time
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from tg.common import TaskDefinitionError
from tg.common.ml.training_core.artifact_content import build_figure, build_table


def draw() -> Figure:
    figure = Figure()
    figure.subplots().plot([1, 2])
    return figure


class Grid:
    """A figure as seaborn's grids are."""

    def __init__(self) -> None:
        self.figure = draw()

    def savefig(self, *arguments: Any, **options: Any) -> None:
        self.figure.savefig(*arguments, **options)


class Plot:
    """A figure as plotly's are."""

    def to_html(self, include_plotlyjs: str) -> str:
        return f"<html>{include_plotlyjs}</html>"

    def to_json(self) -> str:
        return "{}"

    def to_image(self, format: str) -> bytes:
        if format == "png":
            raise ValueError("Image export requires\n the kaleido package")
        return format.encode()


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG"), ("a.PNG", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")]
)
def test_a_figure_has_the_form_that_its_name_says(name: str, start: bytes) -> None:
    assert build_figure(draw(), name).startswith(start)


def test_parts_and_grids_of_matplotlib_are_figures() -> None:
    figure = draw()
    assert build_figure(figure.axes[0], "a.png") == build_figure(figure, "a.png")
    assert build_figure(Grid(), "a.png") == build_figure(figure, "a.png")


@pytest.mark.parametrize(("name", "content"), [("a.html", b"<html>cdn</html>"), ("a.json", b"{}"), ("a.svg", b"svg")])
def test_a_figure_of_plotly_has_the_form_that_its_name_says(name: str, content: bytes) -> None:
    assert build_figure(Plot(), name) == content


@pytest.mark.parametrize(
    ("figure", "name", "message"),
    [
        (Plot(), "a.png", "the figure 'a.png' cannot be written (Image export requires the kaleido package); "),
        (draw(), "a.html", "the figure 'a.html' has an ending that it cannot have; there is '."),
        (draw(), "a", "the figure 'a' has an ending that it cannot have; there is '."),
        ([1, 2], "a.png", "the figure 'a.png' is a list; give a figure of matplotlib or plotly, or log its file"),
        (plt, "a.png", "the figure 'a.png' is a module; give a figure of matplotlib or plotly, or log its file"),
        (None, "a.png", "the figure 'a.png' is a NoneType; give a figure of matplotlib or plotly, or log its file"),
    ],
)
def test_what_is_no_figure_is_refused_in_one_line(figure: object, name: str, message: str) -> None:
    with pytest.raises(TaskDefinitionError) as caught:
        build_figure(figure, name)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_parquet_keeps_everything() -> None:
    times = pd.to_datetime(["2024-01-01 12:00:00.000000001", None], utc=True)
    table = pd.DataFrame(
        {"a.b": [0.1 + 0.2, float("inf")], "when": times, "kind": pd.Categorical(["x", "y"])}, index=["r", "s"]
    )
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(build_table(table, "a.parquet"))), table)


def test_json_is_as_mlflow_has_it() -> None:
    table = pd.DataFrame({"a.b": [0.25, float("nan")], "a/b": [b"\xff", b""], "n": [2**53 + 1, 0]}, index=["r", "s"])
    assert json.loads(build_table(table, "a.json")) == {
        "columns": ["index", "a/b", "a/b_2", "n"],
        "data": [["r", 0.25, "b'\\xff'", 9007199254740993], ["s", None, "b''", 0]],
    }


class Held:
    def __init__(self):
        self.password = "word"

    def __repr__(self):
        return "held"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Held(), "held"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (1j, "1j"),
        (2**70, 2**70),
        (Decimal("1.1"), "1.1"),
        (None, None),
        (pd.NA, None),
        (float("-inf"), None),
        ("\udcff", "\\udcff"),
        ({"a": [1, None]}, {"a": [1, None]}),
        (np.array([0.5, 1]), [0.5, 1]),
        (time(1, 2), "01:02:00"),
        (pd.Timedelta("90s"), "P0DT0H1M30S"),
        (pd.Timestamp("2024-01-01 12:00:00.0015"), "2024-01-01T12:00:00.001"),
    ],
)
def test_any_value_is_one_of_json_or_a_text(value: object, expected: object) -> None:
    table = {"a": pd.Series([value, "b"], dtype=object)}
    assert json.loads(build_table(table, "a.json"))["data"] == [[expected], ["b"]]


def test_categories_and_intervals_are_written_as_their_values() -> None:
    bins = pd.cut(pd.Series([0.0, 2.0, None]), [-1, 1, 3])
    kinds = pd.Categorical(["a", None, "b"])
    table = pd.DataFrame({"bins": bins, "ranges": pd.Series(bins.tolist(), dtype="interval"), "kinds": kinds})
    assert json.loads(build_table(table, "a.json"))["data"] == [
        ["(-1, 1]", "(-1.0, 1.0]", "a"],
        ["(1, 3]", "(1.0, 3.0]", None],
        [None, None, "b"],
    ]


def test_the_numbers_of_rows_are_no_column_and_a_dictionary_is_a_table() -> None:
    assert json.loads(build_table({"a": [1, 2]}, "a.json")) == {"columns": ["a"], "data": [[1], [2]]}
    later = pd.DataFrame({"a": [1, 2, 3]}).iloc[1:]
    assert json.loads(build_table(later, "a.json")) == {"columns": ["index", "a"], "data": [[1, 2], [2, 3]]}


@pytest.mark.parametrize(
    ("table", "name", "message"),
    [
        ({"a": [1]}, "a.csv", "the table 'a.csv' has an ending that it cannot have; there is '.json', '.parquet'"),
        ({"a": [1]}, "a", "the table 'a' has an ending that it cannot have; there is '.json', '.parquet'"),
        (
            [[1]],
            "a.json",
            "the table 'a.json' is a list; give a pandas DataFrame, or a dictionary of columns",
        ),
        (
            {"a": [1], "b": [1, 2]},
            "a.json",
            "the table 'a.json' is no dictionary of columns of one length: All arrays must be of the same length",
        ),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(table: object, name: str, message: str) -> None:
    with pytest.raises(TaskDefinitionError) as caught:
        build_table(table, name)
    assert str(caught.value) == message


def test_what_parquet_does_not_take_is_said_with_its_column() -> None:
    with pytest.raises(
        TaskDefinitionError, match=r"^the table 'a\.parquet' cannot be written as parquet \(.*odd.*\); "
    ):
        build_table({"odd": [1, "a"]}, "a.parquet")
