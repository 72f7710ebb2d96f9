"""Several transformers side by side."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from .feature_names import unique_names
from .frame_transformer import Floats, FrameTransformer, build_frame, check_fit, check_frame


class DataFrameTransformer(FrameTransformer):
    """Passes the same frame to each transformer and concatenates their outputs.

    Each transformer picks its columns itself, as those of this package do. Other scikit-learn transformers do so inside
    a `sklearn.compose.ColumnTransformer`; they may return a frame, an array or a sparse matrix of numbers. Names are
    distinct: of two equal ones the second gets ``_2``.

    Args:
        transformers: Unfitted transformers; they are cloned in `fit`.

    Attributes:
        transformers_: The fitted transformers.
    """

    def __init__(self, transformers: Sequence[Any]) -> None:
        self.transformers = transformers

    def fit(self, X: pd.DataFrame, y: object = None) -> DataFrameTransformer:  # noqa: N803
        """Fits each transformer on ``X`` and ``y``.

        Raises:
            TypeError: ``X`` is not a DataFrame.
            ValueError: A transformer cannot be fitted on ``X``, or does not name its columns.
        """
        check_fit(X, [])
        fitted = [clone(transformer).fit(X, y) for transformer in self.transformers]
        self._set_fitted(fitted, X)
        return self

    def fit_transform(self, X: pd.DataFrame, y: object = None) -> pd.DataFrame:  # noqa: N803
        """Fits and transforms, like both in turn unless a transformer's own ``fit_transform`` differs.

        `sklearn.preprocessing.TargetEncoder` does: its own ``fit_transform`` is what keeps ``y`` out of the features.
        """
        check_fit(X, [])
        fitted = []
        outputs = {}
        for position, transformer in enumerate(self.transformers):
            fresh = clone(transformer)
            if isinstance(fresh, FrameTransformer):
                fresh.fit(X, y)
            else:
                outputs[position] = fresh.fit_transform(X, y)
            fitted.append(fresh)
        self._set_fitted(fitted, X)
        names = self.feature_names()
        out = np.empty((len(names), len(X)))
        self._fill(X, out, outputs)
        return build_frame(out, names, X.index)

    def input_columns(self) -> list[Hashable]:
        own = [transformer for transformer in self.transformers_ if isinstance(transformer, FrameTransformer)]
        return list(dict.fromkeys(column for transformer in own for column in transformer.input_columns()))

    def feature_names(self) -> list[str]:
        return unique_names(name for names in self.names_ for name in names)

    def fill(self, frame: pd.DataFrame, out: Floats) -> None:
        self._fill(frame, out, {})

    def _set_fitted(self, fitted: list[Any], frame: pd.DataFrame) -> None:
        self.names_ = [_feature_names(transformer, frame) for transformer in fitted]
        self.transformers_ = fitted

    def _fill(self, frame: pd.DataFrame, out: Floats, outputs: dict[int, Any]) -> None:
        """Does `fill`; ``outputs`` are transformed frames that are already there, by position of the transformer."""
        check_frame(frame, self.input_columns())
        start = 0
        for position, (transformer, names) in enumerate(zip(self.transformers_, self.names_, strict=True)):
            end = start + len(names)
            if isinstance(transformer, FrameTransformer):
                transformer.fill(frame, out[start:end])
            else:
                output = outputs[position] if position in outputs else transformer.transform(frame)
                out[start:end] = _read_rows(transformer, output, (len(names), len(frame)))
            start = end


def _feature_names(transformer: Any, frame: pd.DataFrame) -> list[str]:
    if hasattr(transformer, "get_feature_names_out"):
        return [str(name) for name in transformer.get_feature_names_out()]
    # a FunctionTransformer does not know its names, but its output may have them
    output = transformer.transform(frame.iloc[:1])
    if not isinstance(output, pd.DataFrame):
        raise ValueError(
            f"{type(transformer).__name__} does not name its columns: it must have get_feature_names_out or return a "
            f"DataFrame"
        )
    return [str(name) for name in output.columns]


def _read_rows(transformer: object, output: Any, shape: tuple[int, int]) -> Floats:
    """Converts the output of another package's transformer to rows."""
    name = type(transformer).__name__
    try:
        if isinstance(output, pd.DataFrame):
            values = output.to_numpy(dtype="float64", na_value=np.nan)
        else:
            values = np.asarray(output.toarray() if hasattr(output, "toarray") else output, dtype=np.float64)
    except (TypeError, ValueError) as e:
        raise ValueError(f"{name} returned values that are not numbers: {e}") from e
    if values.T.shape != shape:
        raise ValueError(f"{name} returned the shape {values.shape}, expected {shape[::-1]}")
    return values.T
