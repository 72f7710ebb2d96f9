"""Any table of Arrow's types: what the loader and the default transformer make of it, or which column they refuse."""

import datetime as dt
import tempfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from pyarrow import parquet

from tg.common import DatasetError
from tg.common.ml import dft
from tg.common.ml.single_frame_training import DataFrameLoader

MOMENTS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3)
DECIMALS = st.decimals(-(10**6), 10**6, places=2)
DAYS = st.dates()
FLOATS = st.one_of(st.floats(-1024, 1024, width=32), st.sampled_from([float("nan"), float("inf"), -float("inf")]))

# Arrow's type, its values, and the dtypes that the loader may give; None where it refuses.
READ = {
    "bool": (pa.bool_(), st.booleans(), {"bool", "boolean"}),
    "int8": (pa.int8(), st.integers(-(2**7), 2**7 - 1), {"int8", "float64"}),
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1), {"int64", "float64"}),
    "uint64": (pa.uint64(), st.integers(0, 2**64 - 1), {"uint64", "float64"}),
    "half": (pa.float16(), st.sampled_from([np.float16(0.5), np.float16(-2)]), {"float32"}),
    "float": (pa.float32(), FLOATS, {"float32"}),
    "double": (pa.float64(), FLOATS, {"float64"}),
    "decimal": (pa.decimal128(12, 2), DECIMALS, {"float64"}),
    "wide decimal": (pa.decimal256(50, 20), DECIMALS, {"float64"}),
    "date32": (pa.date32(), DAYS, {"datetime64[us]"}),
    "date64": (pa.date64(), DAYS, {"datetime64[us]"}),
    "seconds": (
        pa.timestamp("s"),
        MOMENTS.map(lambda each: each.replace(microsecond=0)),
        {"datetime64[s]", "datetime64[ms]"},
    ),
    "moments": (pa.timestamp("us"), MOMENTS, {"datetime64[us]"}),
    "utc": (pa.timestamp("us", "UTC"), MOMENTS, {"datetime64[us, UTC]"}),
    "zoned": (pa.timestamp("us", "Europe/Berlin"), MOMENTS, {"datetime64[us, Europe/Berlin]"}),
    "offset": (pa.timestamp("us", "+02:00"), MOMENTS, {"datetime64[us, UTC+02:00]"}),
    "time32": (pa.time32("s"), st.times().map(lambda each: each.replace(microsecond=0)), {"float64"}),
    "time64": (pa.time64("us"), st.times(), {"float64"}),
    "duration": (pa.duration("us"), st.timedeltas(dt.timedelta(-999), dt.timedelta(999)), {"timedelta64[us]"}),
    "null": (pa.null(), st.none(), {"float64"}),
    "string": (pa.string(), TEXT, {"str", "object"}),
    "large string": (pa.large_string(), TEXT, {"str", "object"}),
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), TEXT, {"category"}),
    "binary": (pa.binary(), st.binary(max_size=3), None),
    "list": (pa.list_(pa.int64()), st.lists(st.integers(0, 9), max_size=2), None),
    "struct": (pa.struct([("a", pa.int64())]), st.fixed_dictionaries({"a": st.integers(0, 9)}), None),
    "map": (pa.map_(pa.string(), pa.int64()), st.lists(st.tuples(TEXT, st.integers(0, 9)), max_size=1), None),
}


@st.composite
def tables(draw):
    count = draw(st.integers(1, 6))
    columns = {}
    for kind in draw(st.lists(st.sampled_from(sorted(READ)), min_size=1, max_size=4, unique=True)):
        arrow_type, values, _ = READ[kind]
        one = st.one_of(st.none(), values) if draw(st.booleans()) else values
        columns[kind] = pa.array(draw(st.lists(one, min_size=count, max_size=count)), arrow_type)
    return pa.table({**columns, "y": pa.array([0] * count)})


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(table=tables())
def test_any_table_has_the_documented_types_or_is_refused_by_column(table):
    refused = [name for name in table.column_names if name != "y" and READ[name][2] is None]
    with tempfile.TemporaryDirectory() as folder:
        parquet.write_table(table, Path(folder) / "x.parquet")
        given_frame = table.to_pandas(types_mapper=pd.ArrowDtype)
        for data in (Path(folder) / "x.parquet", given_frame):
            loader = DataFrameLoader("y", exclude=refused)
            loaded = loader.load(data) if len(refused) < table.num_columns - 1 else None
            if refused:
                with pytest.raises(DatasetError, match=f"^feature '{refused[0]}' is of the type "):
                    DataFrameLoader("y").load(data)
            if loaded is None:
                continue
            for name in loaded.features:
                assert str(loaded.frame[name].dtype) in READ[name][2]
            features = loaded.frame[loaded.features]
            transformed = dft.DataFrameTransformerFactory.default_factory().fit(features)
            assert np.isfinite(transformed.transform(features).to_numpy()).all()
            # Without a loader, too: as whoever predicts gives them.
            for raw in (given_frame, table.to_pandas()):
                assert_frame_equal(transformed.transform(raw[loaded.features]), transformed.transform(features))


def test_decimals_and_dates_are_numbers_and_times(tmp_path):
    money = [Decimal("0.10"), Decimal("0.30"), None]
    days = [dt.date(2024, 1, 1), dt.date(2024, 1, 3), None]
    parquet.write_table(pa.table({"money": money, "day": days, "y": [0, 1, 0]}), tmp_path / "exported.parquet")
    plain = pd.DataFrame({"money": [0.1, 0.3, None], "day": pd.to_datetime(pd.Series(days)), "y": [0, 1, 0]})
    plain.to_parquet(tmp_path / "plain.parquet")
    frames = [
        pd.DataFrame({"money": pd.Series(money, dtype=object), "day": pd.Series(days, dtype=object), "y": [0, 1, 0]}),
        tmp_path / "exported.parquet",
        tmp_path / "plain.parquet",
    ]
    made = []
    for data in frames:
        table = DataFrameLoader("y").load(data)
        made.append(dft.DataFrameTransformerFactory.default_factory().fit_transform(table.frame[table.features]))
    assert list(made[0].columns) == ["money", "money_missing", "day_day", "day_dayofweek", "day_missing"]
    assert_frame_equal(made[0], made[1])
    assert_frame_equal(made[0], made[2])
