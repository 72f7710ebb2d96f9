"""Scales and imputes columns of numbers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from .feature_names import unique_names
from .frame_transformer import Floats, FrameTransformer, check_fit
from .numeric_values import Mask, read_columns


class ContinuousTransformer(FrameTransformer):
    """Scales, then imputes: with the standard scaler and the mean, a missing value becomes 0.

    Out come the columns under their own names, then ``<column>_missing`` (1.0 or 0.0) for each column that had missing
    values in `fit`. Infinite values count as missing. `read_numbers` defines what is read as a number: all numeric,
    nullable and boolean dtypes, decimals, timedeltas and times of day in seconds.

    A column without any value in `fit` cannot be scaled: it becomes the constant 0 (NaN if ``imputer`` is None),
    whatever it holds in `transform`.

    Args:
        columns: The names of the columns.
        scaler: ``"standard"`` (a `StandardScaler`), any scikit-learn transformer that keeps the shape and lets NaN
            through, or None for no scaling.
        imputer: ``"mean"`` (a `SimpleImputer`), any scikit-learn imputer, or None to leave NaN. It sees scaled values.
        missing_indicator: Whether to add the ``_missing`` columns.

    Attributes:
        scaler_: The fitted scaler, or None.
        imputer_: The fitted imputer, or None.
    """

    def __init__(
        self,
        columns: Sequence[Hashable],
        *,
        scaler: Any = "standard",
        imputer: Any = "mean",
        missing_indicator: bool = True,
    ) -> None:
        self.columns = columns
        self.scaler = scaler
        self.imputer = imputer
        self.missing_indicator = missing_indicator

    def fit(self, X: pd.DataFrame, y: object = None) -> ContinuousTransformer:  # noqa: N803
        """Learns the scaling, the imputed values and which columns have missing values.

        Args:
            X: At least one row.
            y: Ignored.

        Raises:
            TypeError: ``X`` is not a DataFrame, or ``columns`` is not a list.
            ValueError: A column is absent or not numeric, there are no rows, or a parameter is not understood.
        """
        columns = check_fit(X, self.columns)
        scaler = _step("scaler", self.scaler, "standard", StandardScaler)
        imputer = _step("imputer", self.imputer, "mean", SimpleImputer)
        values = np.empty((len(columns), len(X)))
        masks = read_columns(X, columns, values)

        self.columns_ = columns
        self.indicated_ = [i for i, mask in enumerate(masks) if mask is not None and self.missing_indicator]
        self.empty_ = [i for i, mask in enumerate(masks) if mask is not None and mask.all()]
        # scikit-learn warns about empty columns and drops them, so it does not get any
        values = np.delete(values, self.empty_, axis=0) if self.empty_ else values
        self.scaler_ = None if scaler is None or not len(values) else scaler.fit(values.T)
        self.imputer_ = None if imputer is None or not len(values) else imputer.fit(self._scale(values).T)
        return self

    def input_columns(self) -> list[Hashable]:
        return self.columns_

    def feature_names(self) -> list[str]:
        indicators = [f"{self.columns_[i]}_missing" for i in self.indicated_]
        return unique_names([*(str(column) for column in self.columns_), *indicators])

    def fill(self, frame: pd.DataFrame, out: Floats) -> None:
        count = len(self.columns_)
        values = out[:count]
        masks = read_columns(frame, self.columns_, values)
        for row, position in zip(out[count:], self.indicated_, strict=True):
            mask = masks[position]
            row[:] = 0.0 if mask is None else mask
        if not len(frame):
            return
        if not self.empty_:
            self._scale_and_impute(values, masks)
            return
        filled = [i for i in range(count) if i not in self.empty_]
        part = values[filled]
        self._scale_and_impute(part, [masks[i] for i in filled])
        values[filled] = part
        values[self.empty_] = np.nan if self.imputer is None else 0.0

    def _scale_and_impute(self, values: Floats, masks: list[Mask | None]) -> None:
        """Works in place on ``values``, shape ``(columns, rows)``; ``masks`` are from before the scaling."""
        if self.scaler_ is not None:
            values[:] = self._scale(values)
        # A scaler may make NaN of a value, as a logarithm does, so only the default one is trusted not to
        trusted = self.scaler_ is None or type(self.scaler_) is StandardScaler
        if self.imputer_ is None or (trusted and all(mask is None for mask in masks)):
            return
        values[:] = _checked("imputer", self.imputer_, self.imputer_.transform(values.T), values)

    def _scale(self, values: Floats) -> Floats:
        if self.scaler_ is None:
            return values
        return _checked("scaler", self.scaler_, self.scaler_.transform(values.T), values)


def _step(parameter: str, value: Any, default_name: str, default: type) -> Any:
    """A fresh, unfitted scikit-learn object for a parameter; None stays None."""
    if value is None:
        return None
    if isinstance(value, str):
        if value != default_name:
            raise ValueError(f"{parameter} must be {default_name!r}, a scikit-learn transformer or None, got {value!r}")
        return default()
    return clone(value)


def _checked(parameter: str, step: object, result: Any, values: Floats) -> Floats:
    """Returns the result of a scikit-learn step as rows; raises if its shape differs from that of ``values``."""
    rows: Floats = np.asarray(result, dtype=np.float64).T
    if rows.shape != values.shape:
        raise ValueError(
            f"{parameter} {type(step).__name__} made {rows.shape[0]} columns of {values.shape[0]}; it must keep their "
            f"number (indicators are made by missing_indicator=True)"
        )
    return rows


ContinousTransformer = ContinuousTransformer
