import pickle
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from tg.common import DatasetError, TaskDefinitionError
from tg.common.ml.training_core import FoldSplitter, IdentitySplitter, PredefinedSplitter, Split


def positions(splits):
    """Splits as plain lists: ``[(train, {stage: rows}), …]``."""
    return [(split.train.tolist(), {stage: rows.tolist() for stage, rows in split.tests.items()}) for split in splits]


@pytest.fixture
def frame():
    return pd.DataFrame({"a": range(10), "group": list("xxxxxxyyyy")})


# --- Split


def test_no_test_stage_may_be_named_train():
    with pytest.raises(TaskDefinitionError, match=r"^a test stage is named 'train'.*rename the stage$"):
        Split(np.array([0]), {"train": np.array([1])})


# --- IdentitySplitter


def test_identity_learns_from_all_rows_and_tests_none(frame):
    splitter = IdentitySplitter()
    assert positions(splitter.split(frame)) == [(list(range(10)), {})]
    assert splitter.get_stages() == []
    assert splitter.get_split_count() == 1


# --- FoldSplitter: one division


def test_fold_splitter_makes_one_division_with_three_tenths_to_test_on(frame):
    assert positions(FoldSplitter().split(frame)) == [([9, 1, 6, 7, 3, 0, 5], {"test": [2, 8, 4]})]


def test_another_seed_gives_another_division(frame):
    assert positions(FoldSplitter(seed=1).split(frame)) == [([4, 0, 3, 1, 7, 8, 5], {"test": [2, 9, 6]})]


def test_one_division_is_the_one_of_train_test_split(frame):
    train, test = train_test_split(np.arange(10), test_size=0.4, random_state=7)
    assert positions(FoldSplitter(test_size=0.4, seed=7).split(frame)) == [(train.tolist(), {"test": test.tolist()})]


@pytest.mark.parametrize(("test_size", "count"), [(0.1, 1), (0.25, 3), (0.5, 5), (0.9, 9)])
def test_the_tested_share_is_rounded_up(frame, test_size, count):
    (split,) = FoldSplitter(test_size=test_size).split(frame)
    assert len(split.tests["test"]) == count
    assert len(split.train) == 10 - count


def test_the_division_depends_on_the_number_of_rows_only(frame):
    expected = positions(FoldSplitter().split(frame))
    assert positions(FoldSplitter().split(frame.set_axis(list("aabbccddee")))) == expected
    assert positions(FoldSplitter().split(frame.set_axis([0] * 10))) == expected
    assert positions(FoldSplitter().split(frame[::-1])) == expected


def test_a_stage_can_have_another_name(frame):
    splitter = FoldSplitter(test_name="holdout")
    assert splitter.get_stages() == ["holdout"]
    assert list(splitter.split(frame)[0].tests) == ["holdout"]


@pytest.mark.parametrize("fold_count", [1, 2, 5])
def test_split_count_is_known_without_data(frame, fold_count):
    splitter = FoldSplitter(fold_count)
    assert splitter.get_split_count() == fold_count == len(splitter.split(frame))
    assert splitter.get_stages() == ["test"]


def test_stratified_division_keeps_the_shares(frame):
    (split,) = FoldSplitter(test_size=0.5, stratify_by="group").split(frame)
    assert frame["group"].iloc[split.tests["test"]].value_counts().to_dict() == {"x": 3, "y": 2}
    assert frame["group"].iloc[split.train].value_counts().to_dict() == {"x": 3, "y": 2}


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_missing_values_are_a_stratum_of_their_own(dtype):
    frame = pd.DataFrame({"group": pd.Series(["x", None] * 4, dtype=dtype)})
    (split,) = FoldSplitter(test_size=0.5, stratify_by="group").split(frame)
    assert frame["group"].iloc[split.tests["test"]].isna().sum() == 2


# --- FoldSplitter: cross-validation


def test_three_folds_of_ten_rows(frame):
    assert positions(FoldSplitter(3).split(frame)) == [
        ([0, 1, 3, 5, 6, 7], {"test": [2, 4, 8, 9]}),
        ([0, 2, 3, 4, 5, 8, 9], {"test": [1, 6, 7]}),
        ([1, 2, 4, 6, 7, 8, 9], {"test": [0, 3, 5]}),
    ]


@given(
    row_count=st.integers(2, 60),
    fold_count=st.integers(2, 8),
    seed=st.integers(0, 2**32 - 1),
    stratified=st.booleans(),
)
def test_folds_partition_the_rows(row_count, fold_count, seed, stratified):
    fold_count = min(fold_count, row_count)
    frame = pd.DataFrame({"group": ["x"] * row_count})
    splits = FoldSplitter(fold_count, seed=seed, stratify_by="group" if stratified else None).split(frame)
    assert len(splits) == fold_count
    tested = np.concatenate([split.tests["test"] for split in splits])
    assert sorted(tested.tolist()) == list(range(row_count))
    for split in splits:
        assert sorted([*split.train, *split.tests["test"]]) == list(range(row_count))
        assert abs(len(split.tests["test"]) - row_count / fold_count) < 1


@given(row_count=st.integers(2, 60), seed=st.integers(0, 2**32 - 1), test_size=st.floats(0.01, 0.49))
def test_one_division_partitions_the_rows(row_count, seed, test_size):
    splitter = FoldSplitter(test_size=test_size, seed=seed)
    frame = pd.DataFrame({"a": range(row_count)})
    (split,) = splitter.split(frame)
    assert sorted([*split.train, *split.tests["test"]]) == list(range(row_count))
    assert positions(splitter.split(frame)) == positions([split])


def test_each_stratified_fold_has_the_same_shares(frame):
    for split in FoldSplitter(2, stratify_by="group").split(frame):
        assert frame["group"].iloc[split.tests["test"]].value_counts().to_dict() == {"x": 3, "y": 2}


# --- FoldSplitter: errors


@pytest.mark.parametrize("value", [0, -1, 1.5, "3", None, True])
def test_fold_count_is_a_whole_number(value):
    with pytest.raises(TaskDefinitionError, match=rf"^fold_count is {value!r}; give a whole number from 1$"):
        FoldSplitter(value)


@pytest.mark.parametrize("value", [0, 1, 0.0, 1.0, -0.3, 30, float("nan"), "0.3", None])
def test_test_size_is_a_share(value):
    with pytest.raises(TaskDefinitionError, match=rf"^test_size is {value!r}; give a share between 0 and 1"):
        FoldSplitter(test_size=value)


def test_numpy_numbers_are_numbers(frame):
    assert positions(FoldSplitter(np.int64(1), np.float32(0.5)).split(frame)) == positions(
        FoldSplitter(1, 0.5).split(frame)
    )


@pytest.mark.parametrize(("name", "value"), [("fold_count", 0), ("test_size", "0.3")])
def test_what_a_hyperparameter_has_set_is_checked_as_well(frame, name, value):
    splitter = FoldSplitter()
    setattr(splitter, name, value)
    with pytest.raises(TaskDefinitionError, match=rf"^{name} is {value!r}; give"):
        splitter.split(frame)


def test_too_few_rows_for_one_division():
    with pytest.raises(DatasetError, match=r"^1 rows cannot be divided with test_size 0.3: .*; change these or the"):
        FoldSplitter().split(pd.DataFrame({"a": [1]}))


def test_more_folds_than_rows(frame):
    with pytest.raises(DatasetError, match=r"^10 rows cannot be divided with fold_count 11: .*n_splits=11"):
        FoldSplitter(11).split(frame)


def test_a_stratum_of_one_row():
    frame = pd.DataFrame({"group": list("xxxxxy")})
    with pytest.raises(DatasetError, match=r"^6 rows .* test_size 0.5 and stratify_by 'group': The least populated"):
        FoldSplitter(test_size=0.5, stratify_by="group").split(frame)


def test_no_column_to_stratify_by(frame):
    with pytest.raises(DatasetError, match=r"^the data have no column 'sex' to split by; they have 'a', 'group'$"):
        FoldSplitter(stratify_by="sex").split(frame)


def test_a_test_stage_named_train_is_refused(frame):
    with pytest.raises(TaskDefinitionError, match="a test stage is named 'train'"):
        FoldSplitter(test_name="train").split(frame)


# --- PredefinedSplitter


@pytest.mark.parametrize("dtype", ["object", "str", "string", "category"])
def test_predefined_splitter_reads_stages_and_leaves_missing_values_out(dtype):
    column = pd.Series(["train", "validation", None, "train", "test", "validation"], dtype=dtype)
    splitter = PredefinedSplitter("split")
    assert positions(splitter.split(pd.DataFrame({"split": column}))) == [
        ([0, 3], {"validation": [1, 5], "test": [4]}),
    ]
    assert splitter.get_split_count() == 1


def test_predefined_stages_come_in_order_of_appearance_and_with_any_index():
    frame = pd.DataFrame({"split": ["z", "train", "b", "z"]}, index=["i", "i", "j", "j"])
    (split,) = PredefinedSplitter("split").split(frame)
    assert list(split.tests) == ["z", "b"]
    assert positions([split]) == [([1], {"z": [0, 3], "b": [2]})]


@pytest.mark.parametrize(
    ("values", "dtype", "train_value", "expected"),
    [
        ([2020, 2021, 2020, None], "Int64", 2020, ([0, 2], {"2021": [1]})),
        ([1.0, 2.0, 1.0, None], "float64", 1, ([0, 2], {"2.0": [1]})),
        ([True, False, True, False], "bool", True, ([0, 2], {"False": [1, 3]})),
        ([True, False, None, False], "boolean", False, ([1, 3], {"True": [0]})),
    ],
)
def test_predefined_values_need_not_be_text(values, dtype, train_value, expected):
    frame = pd.DataFrame({"split": pd.Series(values, dtype=dtype)})
    assert positions(PredefinedSplitter("split", train_value).split(frame)) == [expected]


@pytest.mark.parametrize("train_value", [date(2024, 1, 1), "2024-01-01", pd.Timestamp("2024-01-01")])
@pytest.mark.parametrize("dtype", ["object", "category", pd.ArrowDtype(pa.date32()), "datetime64[us]"])
def test_predefined_values_may_be_days(train_value, dtype):
    days = [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 1), None]
    frame = pd.DataFrame({"split": pd.Series(days, dtype=object).astype(dtype)})
    splitter = PredefinedSplitter("split", train_value)
    assert positions(splitter.split(frame)) == [([0, 2], {"2024-01-02": [1]})]


def test_predefined_moments_without_a_zone_are_in_that_of_the_column():
    times = pd.Series(pd.to_datetime(["2024-01-01 06:00", "2024-01-02 06:00"])).dt.tz_localize("Europe/Berlin")
    (split,) = PredefinedSplitter("split", "2024-01-01 06:00").split(pd.DataFrame({"split": times}))
    assert positions([split]) == [([0], {"2024-01-02 06:00:00+01:00": [1]})]


def test_a_word_is_no_day():
    with pytest.raises(DatasetError, match=r"^no row has 'train' in split column 'split', which holds Timestamp"):
        PredefinedSplitter("split").split(pd.DataFrame({"split": [date(2024, 1, 1)]}))


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([Decimal("1"), Decimal("2")] * 4, dtype=object),
        pd.Series([Decimal("1"), Decimal("2")] * 4, dtype=pd.ArrowDtype(pa.decimal128(5, 2))),
        pd.Series([date(2024, 1, 1), None] * 4, dtype=object),
        pd.Series([True, None] * 4, dtype="bool[pyarrow]"),
        pd.Series([1, 2] * 4, dtype="category"),
    ],
)
def test_strata_may_be_of_any_type_that_is_read(values):
    (split,) = FoldSplitter(test_size=0.5, stratify_by="group").split(pd.DataFrame({"group": values}))
    assert sorted(row % 2 for row in split.train) == [0, 0, 1, 1]


def test_decimals_are_numbers_to_split_by():
    frame = pd.DataFrame({"split": [Decimal("1"), Decimal("2.5"), None]})
    assert positions(PredefinedSplitter("split", 1).split(frame)) == [([0], {"2.5": [1]})]


@pytest.mark.parametrize("splitter", [PredefinedSplitter("split"), FoldSplitter(stratify_by="split")])
def test_what_cannot_be_split_by_is_named(splitter):
    message = (
        r"^column 'split' \(object\) cannot be split by: it holds values of type 'list'; convert it to numbers, text "
        "or times$"
    )
    with pytest.raises(DatasetError, match=message):
        splitter.split(pd.DataFrame({"split": [["train"], ["test"]]}))


def test_predefined_splitter_with_train_rows_only():
    assert positions(PredefinedSplitter("split").split(pd.DataFrame({"split": ["train"] * 2}))) == [([0, 1], {})]


def test_predefined_splitter_without_train_rows():
    frame = pd.DataFrame({"split": [1.0, 2.0, None]})
    message = r"^no row has 3 in split column 'split', which holds 1.0, 2.0; name one of these as train_value$"
    with pytest.raises(DatasetError, match=message):
        PredefinedSplitter("split", 3).split(frame)


def test_predefined_splitter_without_its_column(frame):
    with pytest.raises(DatasetError, match="no column 'split' to split by; they have 'a', 'group'"):
        PredefinedSplitter("split").split(frame)


def test_predefined_value_train_may_not_be_a_test_stage():
    with pytest.raises(TaskDefinitionError, match="a test stage is named 'train'"):
        PredefinedSplitter("split", "learn").split(pd.DataFrame({"split": ["learn", "train"]}))


# --- all


@pytest.mark.parametrize(
    "splitter",
    [IdentitySplitter(), FoldSplitter(), FoldSplitter(3, stratify_by="group"), PredefinedSplitter("group", "x")],
)
def test_a_pickled_splitter_gives_the_same_positions(frame, splitter):
    copied = pickle.loads(pickle.dumps(splitter))
    assert positions(copied.split(frame)) == positions(splitter.split(frame))


@pytest.mark.parametrize("splitter", [IdentitySplitter(), FoldSplitter(2), PredefinedSplitter("group", "x")])
def test_the_frame_is_left_alone(frame, splitter):
    before = frame.copy()
    splitter.split(frame)
    pd.testing.assert_frame_equal(frame, before)
