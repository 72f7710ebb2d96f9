"""Converts frames to arrays, and pandas' nullable values to numpy's."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin


class PlainNumbers(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Converts the nullable numbers and booleans of a frame to floats, missing ones to NaN."""

    def fit(self, X: Any, y: object = None) -> "PlainNumbers":  # noqa: N803
        """Learns nothing."""
        return self

    def transform(self, X: Any) -> Any:  # noqa: N803
        """Converts the columns to floats; an array is returned as it is."""
        if not isinstance(X, pd.DataFrame):
            return X
        nullable = [position for position, dtype in enumerate(X.dtypes) if _is_nullable_number(dtype)]
        if not nullable:
            return X
        columns = {position: X.iloc[:, position] for position in range(X.shape[1])}
        for position in nullable:
            numbers = columns[position].to_numpy(dtype=float, na_value=np.nan)
            columns[position] = pd.Series(numbers, index=X.index)
        return pd.concat(columns, axis="columns").set_axis(X.columns, axis="columns")

    def get_feature_names_out(self, input_features: object = None) -> Any:
        """Returns the input names."""
        return input_features

    def __sklearn_is_fitted__(self) -> bool:
        return True


class PlainArray(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Converts a frame with any column names to an array of shape ``(n_rows, n_columns)``.

    Nullable numbers and booleans become floats.

    Args:
        dtype: The array's; by default, one that holds all columns.
    """

    def __init__(self, dtype: str | None = None) -> None:
        self.dtype = dtype

    def fit(self, X: Any, y: object = None) -> "PlainArray":  # noqa: N803
        """Learns nothing."""
        return self

    def transform(self, X: Any) -> Any:  # noqa: N803
        """Builds the array."""
        return np.asarray(PlainNumbers().transform(X), dtype=self.dtype)

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _is_nullable_number(dtype: Any) -> bool:
    is_extension = isinstance(dtype, pd.api.extensions.ExtensionDtype)
    if not is_extension or isinstance(dtype, pd.CategoricalDtype):
        return False
    return bool(pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype))
