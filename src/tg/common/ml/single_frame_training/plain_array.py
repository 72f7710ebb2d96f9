"""Takes the names off."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


class PlainArray(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Makes a frame, whatever its columns are called, an array of shape ``(n_rows, n_columns)``.

    Args:
        dtype: The array's; by default, one that holds all columns.
    """

    def __init__(self, dtype: str | None = None) -> None:
        self.dtype = dtype

    def fit(self, X: Any, y: object = None) -> "PlainArray":  # noqa: N803
        """Learns nothing."""
        return self

    def transform(self, X: Any) -> Any:  # noqa: N803
        """Makes the array."""
        return np.asarray(X, dtype=self.dtype)

    def __sklearn_is_fitted__(self) -> bool:
        return True
