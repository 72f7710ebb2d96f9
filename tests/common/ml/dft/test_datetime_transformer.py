import datetime
import pickle
import warnings

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler

from tg.common.ml.dft import DatetimeTransformer


def frame_of(values, dtype=None):
    return pd.DataFrame({"t": pd.Series(values, dtype=dtype)})


def moments(*texts, tz=None):
    return pd.DataFrame({"t": pd.to_datetime(list(texts)).tz_localize(tz)})


def raw(frame, **options):
    """Unscaled output, as a dict of lists."""
    return DatetimeTransformer(["t"], scaler=None, **options).fit_transform(frame).to_dict("list")


def test_default_parts():
    # a Monday and a Sunday
    assert raw(moments("2024-01-01 03:00", "2023-12-31 22:59")) == {
        "t_year": [2024.0, 2023.0],
        "t_month": [1.0, 12.0],
        "t_day": [1.0, 31.0],
        "t_dayofweek": [0.0, 6.0],
        "t_hour": [3.0, 22.0],
    }


def test_all_parts_in_the_order_asked_for():
    parts = ["second", "minute", "dayofyear", "quarter", "dayofweek", "hour", "day", "month", "year"]
    assert raw(moments("2024-01-01 03:04:05", "2023-12-31 22:59:58"), parts=parts) == {
        "t_second": [5.0, 58.0],
        "t_minute": [4.0, 59.0],
        "t_dayofyear": [1.0, 365.0],
        "t_quarter": [1.0, 4.0],
        "t_dayofweek": [0.0, 6.0],
        "t_hour": [3.0, 22.0],
        "t_day": [1.0, 31.0],
        "t_month": [1.0, 12.0],
        "t_year": [2024.0, 2023.0],
    }


def test_parts_are_scaled_and_imputed_with_one_indicator_a_column():
    result = DatetimeTransformer(["t"]).fit_transform(moments("2020-05-01", "2024-05-03", None))
    assert result.to_dict("list") == {
        "t_year": [-1.0, 1.0, 0.0],
        "t_day": [-1.0, 1.0, 0.0],
        "t_missing": [0.0, 0.0, 1.0],
    }


def test_scaler_imputer_and_indicator_options():
    transformer = DatetimeTransformer(
        ["t"],
        parts=["year"],
        scaler=MinMaxScaler(),
        imputer=SimpleImputer(strategy="constant", fill_value=-1.0),
        missing_indicator=False,
    )
    result = transformer.fit_transform(moments("2020-05-01", "2021-05-01", "2024-05-03", None))
    assert result.to_dict("list") == {"t_year": [0.0, 0.25, 1.0, -1.0]}


def test_constant_parts_are_dropped_at_fit_only():
    transformer = DatetimeTransformer(["t"], scaler=None).fit(moments("2024-01-01", "2024-01-03"))
    assert list(transformer.get_feature_names_out()) == ["t_day", "t_dayofweek"]
    assert transformer.transform(moments("1999-07-04 12:00")).to_dict("list") == {"t_day": [4.0], "t_dayofweek": [6.0]}


def test_one_moment_leaves_no_column():
    frame = moments("2024-01-01", "2024-01-01")
    result = DatetimeTransformer(["t"]).fit_transform(frame)
    assert result.shape == (2, 0)
    assert result.index.equals(frame.index)


def test_column_without_values_leaves_its_indicator():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        transformer = DatetimeTransformer(["t"]).fit(frame_of([pd.NaT, pd.NaT], "datetime64[ns]"))
        result = transformer.transform(moments("2024-01-01", None))
    assert result.to_dict("list") == {"t_missing": [0.0, 1.0]}


def test_missing_values_only_in_transform():
    transformer = DatetimeTransformer(["t"]).fit(moments("2020-05-01", "2024-05-01"))
    assert transformer.transform(moments(None, "2024-05-01"))["t_year"].tolist() == [0.0, 1.0]
    assert transformer.transform(frame_of([None, None], object))["t_year"].tolist() == [0.0, 0.0]


def test_several_columns():
    frame = pd.DataFrame({"s": pd.to_datetime(["2020-01-01", "2024-01-01"]), "t": pd.to_datetime([None, "2024-01-01"])})
    transformer = DatetimeTransformer(["t", "s"], parts=["year", "year"], scaler=None)
    assert transformer.fit_transform(frame).to_dict("list") == {"s_year": [2020.0, 2024.0], "t_missing": [1.0, 0.0]}


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_resolutions(unit):
    frame = moments("2020-01-01", "2024-01-01").astype(f"datetime64[{unit}]")
    assert raw(frame, parts=["year"]) == {"t_year": [2020.0, 2024.0]}


def test_time_zone_of_the_column_counts():
    assert raw(moments("2024-01-01 23:00", "2024-01-01 10:00", tz="Asia/Tokyo"), parts=["hour"]) == {
        "t_hour": [23.0, 10.0]
    }


def test_other_time_zones_are_converted():
    transformer = DatetimeTransformer(["t"], parts=["hour"], scaler=None)
    transformer.fit(moments("2024-01-01 23:00", "2024-01-01 10:00", tz="Asia/Tokyo"))
    assert transformer.transform(moments("2024-01-01 00:00", tz="UTC")).to_dict("list") == {"t_hour": [9.0]}


def test_zone_and_no_zone_do_not_mix():
    naive, aware = moments("2024-01-01", "2023-02-02"), moments("2024-01-01", "2023-02-02", tz="UTC")
    with pytest.raises(ValueError, match="column 't' has the time zone None but was fitted with UTC"):
        DatetimeTransformer(["t"]).fit(aware).transform(naive)
    with pytest.raises(ValueError, match="column 't' has the time zone UTC but was fitted with None"):
        DatetimeTransformer(["t"]).fit(naive).transform(aware)


@pytest.mark.parametrize(
    "values",
    [
        [datetime.datetime(2020, 1, 1), None, datetime.datetime(2024, 1, 1)],
        [datetime.date(2020, 1, 1), None, datetime.date(2024, 1, 1)],
        [pd.Timestamp("2020-01-01"), pd.NaT, pd.Timestamp("2024-01-01")],
    ],
)
def test_objects_that_hold_datetimes(values):
    expected = [2020.0, 2022.0, 2024.0]
    frame = frame_of(values, object)
    assert raw(frame, parts=["year"])["t_year"] == expected
    transformer = DatetimeTransformer(["t"], parts=["year"], scaler=None).fit(moments("2020-01-01", "2024-01-01"))
    assert transformer.transform(frame)["t_year"].tolist() == expected


@pytest.mark.parametrize("dtype", ["timestamp[ns][pyarrow]", "date32[pyarrow]"])
def test_arrow_datetimes(dtype):
    pytest.importorskip("pyarrow")
    dates = [datetime.date(2020, 1, 1), None, datetime.date(2024, 1, 1)]
    assert raw(frame_of(dates).astype(dtype), parts=["year"])["t_year"] == [2020.0, 2022.0, 2024.0]


@pytest.mark.parametrize("values", [["2024-01-01", "2023-01-01"], [1, 2], [1.5, 2.5], [True, False]])
def test_other_values_are_refused(values):
    with pytest.raises(ValueError, match=r"column 't' .* holds no datetimes: convert it with pd.to_datetime"):
        DatetimeTransformer(["t"]).fit(frame_of(values))


def test_unknown_part():
    with pytest.raises(ValueError, match=r"unknown datetime parts \['week'\]; known are \['year', 'quarter'"):
        DatetimeTransformer(["t"], parts=["year", "week"]).fit(moments("2024-01-01"))


@pytest.mark.parametrize("index", [pd.Index([5, 5]), pd.Index(["r", "s"], name="key")])
def test_index_is_kept(index):
    frame = moments("2020-01-01", "2024-01-01").set_axis(index, axis=0)
    expected = pd.DataFrame({"t_year": [-1.0, 1.0]}, index=index)
    assert_frame_equal(DatetimeTransformer(["t"], parts=["year"]).fit_transform(frame), expected)


def test_no_rows_in_transform():
    transformer = DatetimeTransformer(["t"], parts=["year"]).fit(moments("2020-01-01", "2024-01-01", None))
    assert transformer.transform(moments("2020-01-01").iloc[:0]).shape == (0, 2)


def test_clone_and_pickle():
    frame = moments("2020-01-01", "2024-01-01", None, tz="Europe/Berlin")
    transformer = DatetimeTransformer(["t"], parts=("year", "hour")).fit(frame)
    assert_frame_equal(pickle.loads(pickle.dumps(transformer)).transform(frame), transformer.transform(frame))
    assert clone(transformer).parts == ("year", "hour")
    assert not hasattr(clone(transformer), "numbers_")
