from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from tg.common import DatasetError, TaskDefinitionError
from tg.common.ml.single_frame_training import DataFrameLoader


def load(weights=None, groups=None, dtype=None, **options):
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0], "x": 0.0}, index=["p", "q", "r"])
    if weights is not None:
        frame["w"] = pd.Series(weights, index=frame.index, dtype=dtype)
        options["weight_column"] = "w"
    if groups is not None:
        frame["g"] = pd.Series(groups, index=frame.index, dtype=dtype)
        options["group_column"] = "g"
    return DataFrameLoader("y", **options).load(frame)


@pytest.mark.parametrize(
    ("weights", "dtype"),
    [
        ([1, 0, 2], "int64"),
        ([1, 0, 2], "Int8"),
        ([1.0, 0.0, 2.0], "float32"),
        ([1, 0, 2], "int64[pyarrow]"),
        ([Decimal("1"), Decimal("0"), Decimal("2")], "object"),
    ],
)
def test_weights_are_floats_and_no_feature(weights, dtype):
    table = load(weights, dtype=dtype)
    assert table.weights.dtype == np.float64
    assert table.weights.tolist() == [1.0, 0.0, 2.0]
    assert table.features == ["x"]
    assert table.groups is None


@pytest.mark.parametrize(
    ("weights", "what", "index"),
    [
        ([1.0, -0.5, 1.0], r"is negative in 1 of 3 rows, the first at index q \(.*-0.5.*\)", "q"),
        ([1.0, 1.0, None], "is not a finite number in 1 of 3 rows, the first at index r", "r"),
        ([np.inf, 1.0, None], "is not a finite number in 2 of 3 rows, the first at index p", "p"),
        (["heavy", "1", "1"], r"is not a finite number in 1 of 3 rows, the first at index p \('heavy'\)", "p"),
        ([0, 0, 0], "is 0 in all 3 rows; give weights above 0", None),
    ],
)
def test_weights_that_are_none(weights, what, index):
    with pytest.raises(DatasetError, match=rf"^weight column 'w' {what}"):
        load(weights)


def test_groups_are_numbered_in_their_order():
    table = load(groups=["b", "a", "b"])
    assert table.groups.tolist() == [0, 1, 0]
    assert table.features == ["x"]
    assert table.weights is None
    with pytest.raises(DatasetError, match=r"^group column 'g' is missing in 1 of 3 rows; drop or fill them$"):
        load(groups=["b", None, "b"])


@pytest.mark.parametrize(("role", "advice"), [("weight", "numbers"), ("group", "text")])
@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, b"a"])
def test_columns_of_a_type_that_has_no_reading(tmp_path, role, advice, value):
    pd.DataFrame({"y": [1, 0], "x": [1, 2], "z": [value] * 2}).to_parquet(tmp_path / "data.parquet")
    with pytest.raises(DatasetError, match=rf"^{role} column 'z' is of the type .*; cast it to {advice}$"):
        DataFrameLoader("y", **{f"{role}_column": "z"}).load(tmp_path / "data.parquet")


@pytest.mark.parametrize("role", ["weight", "group"])
def test_columns_that_are_not_there_or_features(role):
    with pytest.raises(DatasetError, match=f"^{role} column 'z' is not in the data, which have 'y', 'x'$"):
        load(**{f"{role}_column": "z"})
    with pytest.raises(TaskDefinitionError, match=f"^the {role} column 'x' is named as a feature; remove it there$"):
        DataFrameLoader("y", features=["x"], **{f"{role}_column": "x"}).load(pd.DataFrame({"y": [1], "x": [1]}))
