"""Times the default data-frame factory against scikit-learn's ColumnTransformer on one mixed frame.

Both fit and transform the same 20 columns. The results must have equal values before anything is timed; the exit code
is 1 if the factory takes more than twice as long.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from tg.common.ml import dft

MAX_VALUES = 10
MAX_RATIO = 2.0
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


def measure_seconds(run: Callable[[pd.DataFrame], pd.DataFrame], frame: pd.DataFrame) -> float:
    start = time.perf_counter()
    run(frame)
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    frame = build_data(arguments.rows)
    check_agreement(run_factory(frame), run_scikit_learn(frame))
    print(f"{frame.shape[0]} rows x {frame.shape[1]} columns: values agree")
    ours, theirs = [], []
    for _ in range(arguments.repeats):
        # in turns, so that other load on the machine hits both
        ours.append(measure_seconds(run_factory, frame))
        theirs.append(measure_seconds(run_scikit_learn, frame))
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(f"DataFrameTransformerFactory: median {statistics.median(ours):.2f} s")
    print(f"ColumnTransformer:           median {statistics.median(theirs):.2f} s")
    print(f"ratio {ratio:.2f}, at most {MAX_RATIO:.2f} wanted")
    return 1 if ratio > MAX_RATIO else 0


if __name__ == "__main__":
    sys.exit(main())
