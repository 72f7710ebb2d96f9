"""Predictions, cell by cell."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.tg_mlflow.comparison.records import make_record
from tg_mlflow.comparison.differences import Difference, PredictionDifference
from tg_mlflow.comparison.predictions import compare_predictions

NAME = "runs/0/result_df.parquet"
FRAME = pd.DataFrame(
    {"predicted": [0.1, np.nan, 0.3], "stage": pd.Categorical(["test", "train", "train"])}, index=[7, 8, 9]
)


def compare_frames(folder: Path, *frames: pd.DataFrame) -> list[Difference]:
    paths = [folder / f"{number}.parquet" for number in range(2)]
    for frame, path in zip(frames, paths, strict=True):
        frame.to_parquet(path)
    return list(compare_predictions(*(make_record(predictions={NAME: path}) for path in paths)))


def changed(**columns: Any) -> pd.DataFrame:
    return FRAME.assign(**columns)


def found(*args: Any) -> list[Difference]:
    return [PredictionDifference("predictions", NAME, *args)]


def test_the_same_values_are_equal_however_they_are_stored(tmp_path: Path) -> None:
    other = changed(stage=pd.Categorical(["test", "train", "train"], ["train", "test", "dev"]))
    assert compare_frames(tmp_path, FRAME, other) == []


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (
            changed(predicted=[0.1, np.nan, 0.30000000000000004]),
            ("0.3", "0.30000000000000004", (), 2, "predicted", 2, 3, 3),
        ),
        (changed(predicted=[0.1, 0.2, 0.4]), ("nan", "0.2", (), 1, "predicted", 1, 3, 3)),
        (changed(stage=["test", "test", "train"]), ("'train'", "'test'", (), 1, "stage", 2, 3, 3)),
        (FRAME.set_axis([7, 8, 10]), ("9", "10", (), 2, "__index_level_0__", 2, 3, 3)),
        (FRAME.head(2), ("0.3", None, (), 2, "predicted", 2, 3, 2)),
    ],
)
def test_the_first_cell_that_differs(tmp_path: Path, second: pd.DataFrame, expected: Any) -> None:
    assert compare_frames(tmp_path, FRAME, second) == found(*expected)


def test_other_columns(tmp_path: Path) -> None:
    (difference,) = compare_frames(tmp_path, FRAME, changed(score=1.0))
    assert (difference.first, difference.second) == (
        "columns predicted, stage, __index_level_0__",
        "columns predicted, stage, score, __index_level_0__",
    )


def test_tables_of_lists_and_without_rows_are_compared(tmp_path: Path) -> None:
    lists = pd.DataFrame({"scores": [[0.1, 0.9], [0.2, 0.8]]})
    (difference,) = compare_frames(tmp_path, lists, lists.assign(scores=[[0.1, 0.9], [0.3, 0.7]]))
    assert isinstance(difference, PredictionDifference)
    assert (difference.row, difference.first) == (1, "array([0.2, 0.8])")
    assert compare_frames(tmp_path, FRAME.head(0), FRAME.head(0).assign(stage=[])) == []


def test_other_files_are_compared_by_their_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode())
    records = [make_record(predictions={"predictions.pkl": tmp_path / name}) for name in ("a", "b")]
    assert list(compare_predictions(*records)) == [
        Difference("predictions", "predictions.pkl", "ca978112ca1b", "3e23e8160039")
    ]
    assert list(compare_predictions(records[0], make_record())) == [
        Difference("predictions", "predictions.pkl", "ca978112ca1b", None)
    ]


def test_a_run_without_its_archive_has_not_recorded_any() -> None:
    assert list(compare_predictions(make_record(), make_record(predictions=None))) == [
        Difference("predictions", "result archive", "0 files of predictions", None, ("second",))
    ]
