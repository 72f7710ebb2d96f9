"""How long the default data-frame factory takes, against scikit-learn's ColumnTransformer, on one mixed frame.

Both fit and transform the same 20 columns. The results must have equal values before anything is timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from harness import Figure, Scale, measure_in_turns, run
from tg.common.ml import dft

MAX_VALUES = 10
MAX_RATIO = 2.0
ROWS, FEWER_ROWS = 1_000_000, 100_000
PARTS = {"year": "year", "month": "month", "day": "day", "dayofweek": "day_of_week", "hour": "hour"}


def build_data(rows: int, seed: int = 0) -> pd.DataFrame:
    """Ten floats (half of them with gaps), two integers, a boolean, six texts and a datetime."""
    rng = np.random.default_rng(seed)
    data: dict[str, Any] = {}
    for i in range(10):
        values = rng.normal(10.0 * i, 1.0 + i, rows)
        if i % 2:
            values[rng.random(rows) < 0.1] = np.nan
        data[f"float{i}"] = values
    data["int0"] = rng.integers(0, 100, rows)
    data["int1"] = rng.integers(0, 1_000_000, rows)
    data["bool0"] = rng.random(rows) < 0.3
    for i in range(5):
        words = np.array([f"word{j}" for j in range(4 + i)], dtype=object)
        values = words[rng.integers(0, len(words), rows)]
        if i < 2:
            values[rng.random(rows) < 0.05] = None
        data[f"text{i}"] = values
    # frequencies fall fast, so that both sides keep the same values; the cut among ties is each one's own
    weights = 0.7 ** np.minimum(np.arange(1000), 15)
    words = np.array([f"rich{j}" for j in range(1000)], dtype=object)
    data["rich0"] = words[rng.choice(1000, rows, p=weights / weights.sum())]
    data["time0"] = pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 10 * 365 * 24 * 3600, rows), unit="s")
    frame = pd.DataFrame(data)
    for column in frame.columns[13:19]:
        frame[column] = frame[column].astype(pd.Series(["a"]).dtype)
    return frame


def take_parts(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({f"{c}_{p}": getattr(frame[c].dt, a) for c in frame.columns for p, a in PARTS.items()})


def run_scikit_learn(frame: pd.DataFrame) -> pd.DataFrame:
    numbers = [c for c in frame.columns if c.startswith(("float", "int"))]
    texts = [c for c in frame.columns if c.startswith(("text", "rich"))]
    # one more category than values are kept: scikit-learn counts the infrequent ones as a category
    encoder = OneHotEncoder(max_categories=MAX_VALUES + 1, handle_unknown="infrequent_if_exist", sparse_output=False)
    transformer = ColumnTransformer(
        [
            ("numbers", make_pipeline(StandardScaler(), SimpleImputer(add_indicator=True)), numbers),
            ("booleans", "passthrough", ["bool0"]),
            ("texts", encoder, texts),
            (
                "times",
                make_pipeline(
                    FunctionTransformer(take_parts, feature_names_out=lambda _, c: [f"{c[0]}_{p}" for p in PARTS]),
                    StandardScaler(),
                ),
                ["time0"],
            ),
        ],
        verbose_feature_names_out=False,
    )
    values = transformer.fit_transform(frame)
    return pd.DataFrame(values, index=frame.index, columns=transformer.get_feature_names_out())


def run_factory(frame: pd.DataFrame) -> pd.DataFrame:
    return dft.DataFrameTransformerFactory.default_factory(MAX_VALUES).fit_transform(frame)


def check_agreement(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """Raises AssertionError unless both have the same columns, up to order and naming, with the same values."""
    renamed = {}
    for name in theirs.columns:
        if name.startswith("missingindicator_"):
            renamed[name] = name.removeprefix("missingindicator_") + "_missing"
        elif name.endswith("_infrequent_sklearn"):
            renamed[name] = name.removesuffix("_infrequent_sklearn") + "_OTHER"
        elif name.endswith(("_nan", "_None")):
            renamed[name] = name.rpartition("_")[0] + "_NULL"
    theirs = theirs.rename(columns=renamed)
    assert sorted(ours.columns) == sorted(theirs.columns), set(ours.columns) ^ set(theirs.columns)
    for name in ours.columns:
        np.testing.assert_allclose(
            ours[name].to_numpy(), theirs[name].to_numpy().astype(float), rtol=1e-9, atol=1e-9, err_msg=name
        )


def time_transformation(transform: Callable[[pd.DataFrame], pd.DataFrame], frame: pd.DataFrame) -> float:
    start = time.perf_counter()
    transform(frame)
    return time.perf_counter() - start


def measure(scale: Scale) -> Iterator[Figure]:
    frame = build_data(scale.pick(ROWS, FEWER_ROWS))
    check_agreement(run_factory(frame), run_scikit_learn(frame))
    seconds = measure_in_turns(
        scale.pick(5, 3),
        factory=lambda: time_transformation(run_factory, frame),
        scikit_learn=lambda: time_transformation(run_scikit_learn, frame),
    )
    yield Figure.ratio(
        "dft.column_transformer",
        f"data-frame factory, {frame.shape[0]:,} rows and {frame.shape[1]} columns",
        "scikit-learn's `ColumnTransformer`",
        seconds["factory"],
        seconds["scikit_learn"],
        MAX_RATIO,
    )


if __name__ == "__main__":
    run(measure, __doc__ or "")
