from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common import DatasetError, TaskDefinitionError
from tg.common.ml.training_core import OneTimeSplitter, TimeSplitter

DAY = timedelta(days=1)


def positions(splits):
    return [(split.train.tolist(), {stage: rows.tolist() for stage, rows in split.tests.items()}) for split in splits]


def days(*numbers, **options):
    """A frame with the column ``time`` at these days of January 2024."""
    return pd.DataFrame({"time": pd.to_datetime([f"2024-01-{number:02}" for number in numbers], **options)})


# --- OneTimeSplitter


def test_the_latest_three_tenths_are_tested():
    frame = days(3, 1, 10, 2, 4, 5, 9, 6, 7, 8)
    assert positions(OneTimeSplitter("time").split(frame)) == [([0, 1, 3, 4, 5, 7, 8], {"test": [2, 6, 9]})]


def test_the_share_is_of_rows_not_of_time():
    frame = days(1, 2, 3, 30)
    assert positions(OneTimeSplitter("time", test_size=0.5).split(frame)) == [([0, 1], {"test": [2, 3]})]


def test_at_least_one_row_is_tested():
    assert positions(OneTimeSplitter("time", test_size=0.01).split(days(1, 3, 2))) == [([0, 2], {"test": [1]})]


def test_rows_of_one_moment_stay_together():
    # three of ten would be the last three; the third from the end shares its day with two more
    frame = days(1, 2, 3, 4, 5, 8, 8, 8, 9, 10)
    assert positions(OneTimeSplitter("time").split(frame)) == [([0, 1, 2, 3, 4], {"test": [5, 6, 7, 8, 9]})]


@pytest.mark.parametrize(
    "moment",
    ["2024-01-03", datetime(2024, 1, 3), date(2024, 1, 3), pd.Timestamp("2024-01-03"), np.datetime64("2024-01-03")],
)
def test_split_time_is_the_first_tested_moment(moment):
    splitter = OneTimeSplitter("time", moment, test_name="later")
    assert positions(splitter.split(days(1, 3, 2, 4, 3))) == [([0, 2], {"later": [1, 3, 4]})]
    assert splitter.get_stages() == ["later"]
    assert splitter.get_split_count() == 1


def test_index_labels_do_not_matter():
    frame = days(1, 3, 2, 4).set_axis(["b", "b", "a", "a"])
    assert positions(OneTimeSplitter("time", "2024-01-03").split(frame)) == [([0, 2], {"test": [1, 3]})]


def test_a_naive_split_time_is_of_the_column_s_zone():
    frame = pd.DataFrame(
        {"time": pd.to_datetime(["2024-01-02 23:30", "2024-01-03 00:30"]).tz_localize("Europe/Berlin")}
    )
    # midnight in Berlin, which is 23:00 of the day before in UTC
    assert positions(OneTimeSplitter("time", "2024-01-03").split(frame)) == [([0], {"test": [1]})]
    at_utc = datetime(2024, 1, 2, 22, 30, tzinfo=timezone.utc)
    with pytest.raises(DatasetError, match="no row is before"):
        OneTimeSplitter("time", at_utc).split(frame)


@pytest.mark.parametrize(
    ("values", "dtype", "split_time"),
    [
        ([2020, 2022, 2021, 2023], "int64", 2022),
        ([2020, 2022, 2021, 2023], "Int64", 2022),
        ([0.5, 2.5, 1.0, 3.0], "float64", 2),
        (["2020", "2022", "2021", "2023"], "string", "2022"),
        (["2020", "2022", "2021", "2023"], "object", "2022"),
        ([date(2020, 1, 1), date(2022, 1, 1), date(2021, 1, 1), date(2023, 1, 1)], "object", date(2022, 1, 1)),
        (["2020-01-01", "2022-01-01", "2021-01-01", "2023-01-01"], "timestamp[us][pyarrow]", "2022-01-01"),
        ([date(2020, 1, 1), date(2022, 1, 1), date(2021, 1, 1), date(2023, 1, 1)], "object", "2022-01-01"),
        ([date(2020, 1, 1), date(2022, 1, 1), date(2021, 1, 1), date(2023, 1, 1)], "date32[pyarrow]", "2022-01-01"),
        ([date(2020, 1, 1), date(2022, 1, 1), date(2021, 1, 1), date(2023, 1, 1)], "category", date(2022, 1, 1)),
        ([Decimal(1), Decimal(3), Decimal(2), Decimal(4)], "object", 3),
        ([2020, 2022, 2021, 2023], "category", 2022),
    ],
)
def test_whatever_can_be_put_in_order_is_a_time(values, dtype, split_time):
    frame = pd.DataFrame({"time": pd.Series(values).astype(dtype)})
    assert positions(OneTimeSplitter("time", split_time).split(frame)) == [([0, 2], {"test": [1, 3]})]
    assert positions(OneTimeSplitter("time", test_size=0.5).split(frame)) == [([0, 2], {"test": [1, 3]})]


@pytest.mark.parametrize("value", [0, 1, 1.5, float("nan"), "0.3"])
def test_one_time_test_size_is_a_share(value):
    with pytest.raises(TaskDefinitionError, match=rf"^test_size is {value!r}; give a share between 0 and 1"):
        OneTimeSplitter("time", test_size=value)


def test_a_test_size_set_later_is_checked_as_well():
    splitter = OneTimeSplitter("time")
    splitter.test_size = 3
    with pytest.raises(TaskDefinitionError, match=r"^test_size is 3; give"):
        splitter.split(days(1, 2))


@pytest.mark.parametrize(("moment", "side"), [("2024-01-01", "before"), ("2024-01-05", "at or after")])
def test_a_split_time_with_nothing_on_one_side(moment, side):
    message = (
        rf"^no row is {side} {moment} 00:00:00 in time column 'time', which runs from 2024-01-01 .* to 2024-01-04 "
    )
    with pytest.raises(DatasetError, match=message + "00:00:00; choose another split_time$"):
        OneTimeSplitter("time", moment).split(days(1, 4))


def test_all_rows_at_one_moment():
    with pytest.raises(DatasetError, match=r"^no row is before 5 in .* runs from 5 to 5; choose another test_size$"):
        OneTimeSplitter("time").split(pd.DataFrame({"time": [5, 5, 5]}))


@pytest.mark.parametrize("splitter", [OneTimeSplitter("time"), TimeSplitter("time", DAY, 1)])
class TestEachTimeSplitter:
    def test_missing_times(self, splitter):
        frame = pd.DataFrame({"time": pd.to_datetime(["2024-01-01", None, "2024-01-03", None])})
        with pytest.raises(DatasetError, match=r"^time column 'time' has no value in 2 of 4 rows; fill or drop them$"):
            splitter.split(frame)

    def test_no_time_column(self, splitter):
        with pytest.raises(DatasetError, match=r"^the data have no column 'time' to split by; they have 'date'$"):
            splitter.split(pd.DataFrame({"date": [1]}))

    def test_no_rows(self, splitter):
        with pytest.raises(DatasetError, match=r"^there are no rows to divide by time column 'time'$"):
            splitter.split(days(1)[:0])


@pytest.mark.parametrize(
    ("values", "split_time", "message"),
    [
        ([1, 2, 3], "soon", r"^time column 'time' \(int64\) cannot be divided at 'soon': .*give a split_time like 1$"),
        (
            pd.to_datetime(["2024-01-01", "2024-01-02"]),
            "soon",
            r"^time column 'time' \(datetime64\[\w+\]\) cannot be divided at 'soon': .* like 2024-01-01 00:00:00$",
        ),
        (
            pd.to_datetime(["2024-01-01", "2024-01-02"]),
            datetime(2024, 1, 2, tzinfo=timezone.utc),
            "cannot be divided at",
        ),
        (["a", 1, "b"], None, r"^time column 'time' \(object\) cannot be put in order: .*; convert it"),
        (pd.Categorical(["b", "a"]), None, r"^time column 'time' \(category\) cannot be put in order: "),
    ],
)
def test_times_that_cannot_be_compared(values, split_time, message):
    with pytest.raises(DatasetError, match=message):
        OneTimeSplitter("time", split_time).split(pd.DataFrame({"time": values}))


# --- TimeSplitter


def test_each_span_follows_what_is_learned_from():
    # spans (8, 9], (9, 10] and (7, 8] of a day each, in order of time
    splitter = TimeSplitter("time", DAY)
    assert positions(splitter.split(days(10, 1, 8, 9, 2, 7))) == [
        ([1, 4, 5], {"test": [2]}),
        ([1, 2, 4, 5], {"test": [3]}),
        ([1, 2, 3, 4, 5], {"test": [0]}),
    ]
    assert splitter.get_stages() == ["test"]
    assert splitter.get_split_count() == 3


def test_ties_are_on_one_side_of_the_border():
    assert positions(TimeSplitter("time", DAY, 1).split(days(1, 2, 2, 3, 3))) == [([0, 1, 2], {"test": [3, 4]})]


def test_a_gap_is_left_out_between_both():
    splitter = TimeSplitter("time", 2 * DAY, 2, gap=DAY, test_name="next")
    # spans (4, 6] and (6, 8]; learned from what is no later than 3 and 5
    assert positions(splitter.split(days(1, 2, 3, 4, 5, 6, 7, 8))) == [
        ([0, 1, 2], {"next": [4, 5]}),
        ([0, 1, 2, 3, 4], {"next": [6, 7]}),
    ]
    assert splitter.get_stages() == ["next"]


def test_a_train_span_forgets_what_is_older():
    splitter = TimeSplitter("time", DAY, 2, train_span=2 * DAY)
    # spans (6, 7] and (7, 8]; learned from (4, 6] and (5, 7]
    assert positions(splitter.split(days(1, 2, 3, 4, 5, 6, 7, 8))) == [([4, 5], {"test": [6]}), ([5, 6], {"test": [7]})]


def test_gap_and_train_span_together():
    splitter = TimeSplitter("time", DAY, 1, train_span=2 * DAY, gap=3 * DAY)
    # span (7, 8]; learned from (2, 4]
    assert positions(splitter.split(days(1, 2, 3, 4, 5, 6, 7, 8))) == [([2, 3], {"test": [7]})]


@pytest.mark.parametrize("dtype", ["timestamp[us][pyarrow]", "datetime64[ns]", "datetime64[s]"])
def test_any_resolution(dtype):
    frame = days(1, 2, 3).set_axis(["a", "a", "b"]).astype(dtype)
    assert positions(TimeSplitter("time", DAY, 1).split(frame)) == [([0, 1], {"test": [2]})]


def test_a_day_is_24_hours_over_a_clock_change():
    # Berlin, 31 March 2024: 23 hours lie between the two midnights, so the first is inside the span
    frame = pd.DataFrame(
        {
            "time": pd.to_datetime(["2024-03-30 12:00", "2024-03-31 00:00", "2024-04-01 00:00"]).tz_localize(
                "Europe/Berlin"
            )
        }
    )
    assert positions(TimeSplitter("time", DAY, 1).split(frame)) == [([0], {"test": [1, 2]})]


@given(
    numbers=st.lists(st.integers(0, 100), min_size=1, max_size=40),
    split_count=st.integers(1, 4),
    test_days=st.integers(1, 20),
    gap_days=st.integers(0, 5),
)
def test_no_split_learns_from_what_it_tests(numbers, split_count, test_days, gap_days):
    frame = pd.DataFrame({"time": pd.Timestamp("2024-01-01") + pd.to_timedelta(numbers, unit="D")})
    try:
        splits = TimeSplitter("time", test_days * DAY, split_count, gap=gap_days * DAY).split(frame)
    except DatasetError:
        return
    moments = np.array(numbers)
    tested = np.concatenate([split.tests["test"] for split in splits])
    assert len(set(tested.tolist())) == len(tested)
    assert len(splits) == split_count
    for split in splits:
        # what is tested lies strictly after the end of the gap that follows what is learned
        assert moments[split.train].max() + gap_days < moments[split.tests["test"]].min()
    assert set(np.flatnonzero(moments == moments.max())) <= set(splits[-1].tests["test"].tolist())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"test_span": 7}, "^test_span is 7; give a positive timedelta, such as"),
        ({"test_span": timedelta(0)}, r"^test_span is datetime.timedelta\(0\); give a positive timedelta"),
        ({"test_span": DAY, "train_span": -DAY}, r"^train_span is datetime.timedelta\(days=-1\); give a positive"),
        (
            {"test_span": DAY, "gap": -DAY},
            r"^gap is datetime.timedelta\(days=-1\); give a timedelta that is not negative",
        ),
        ({"test_span": DAY, "gap": None}, "^gap is None; give a timedelta that is not negative"),
        ({"test_span": DAY, "split_count": 0}, "^split_count is 0; give a whole number from 1"),
        ({"test_span": DAY, "split_count": True}, "^split_count is True; give a whole number from 1"),
    ],
)
def test_time_splitter_checks_its_arguments(arguments, message):
    with pytest.raises(TaskDefinitionError, match=message):
        TimeSplitter("time", **arguments)


def test_a_split_count_set_later_is_checked_as_well():
    splitter = TimeSplitter("time", DAY)
    splitter.split_count = 0
    with pytest.raises(TaskDefinitionError, match=r"^split_count is 0; give"):
        splitter.split(days(1, 2, 3))


def test_more_splits_than_the_data_last():
    message = (
        "^nothing to learn from before 2024-01-01 00:00:00 in time column 'time', which runs from 2024-01-02 00:00:00 "
        "to 2024-01-04 00:00:00; take fewer splits than 3 or another test_span than 1 day, 0:00:00$"
    )
    with pytest.raises(DatasetError, match=message):
        TimeSplitter("time", DAY).split(days(2, 3, 4))


def test_a_span_without_rows():
    with pytest.raises(DatasetError, match=r"^nothing to test after 2024-01-08 00:00:00 in time column"):
        TimeSplitter("time", DAY, 2).split(days(1, 2, 10))


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([1, 2, 3], "int64"), ([1.0, 2.0, 3.0], "float64"), (["2024-01-01", "2024-01-02", "x"], "string")],
)
def test_time_splitter_takes_datetimes_only(values, dtype):
    frame = pd.DataFrame({"time": pd.Series(values, dtype=dtype)})
    message = (
        rf"^column 'time' is {dtype}, not datetime; convert it, or order the rows by numbers with OneTimeSplitter$"
    )
    with pytest.raises(DatasetError, match=message):
        TimeSplitter("time", DAY).split(frame)
