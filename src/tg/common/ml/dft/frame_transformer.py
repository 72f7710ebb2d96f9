"""The contract of the transformers: a frame comes in, a frame of float64 columns with the same index comes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ...errors import DatasetError

Floats = npt.NDArray[np.float64]


def check_frame(frame: object, columns: Iterable[Hashable]) -> None:
    """Checks that a frame has every column of ``columns``, once.

    Raises:
        TypeError: ``frame`` is not a pandas DataFrame.
        DatasetError: A column is absent (all absent ones are listed) or occurs several times.
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"expected a pandas DataFrame, got {type(frame).__name__}")
    wanted = list(columns)
    absent = [column for column in wanted if column not in frame.columns]
    if absent:
        raise DatasetError(f"the frame lacks the columns {absent}; it has {list(frame.columns)}")
    repeated = set(frame.columns[frame.columns.duplicated()])
    for column in wanted:
        if column in repeated:
            raise DatasetError(f"column {column!r} occurs several times in the frame; rename or drop the doubles")


def check_fit(frame: pd.DataFrame, columns: object) -> list[Hashable]:
    """Checks the ``columns`` parameter of a transformer and the frame it is fitted on.

    Returns:
        The column names as a list.

    Raises:
        TypeError: ``columns`` is a bare name, or ``frame`` is not a pandas DataFrame.
        DatasetError: A name occurs twice in ``columns``, or the frame lacks a column or has no rows.
    """
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise TypeError(f"columns must be a list of column names, got {columns!r}; write [{columns!r}]")
    names = list(columns)
    if len(set(names)) < len(names):
        raise ValueError(f"columns names a column twice: {names}")
    check_frame(frame, names)
    if not len(frame):
        raise DatasetError("cannot fit on a frame without rows")
    return names


class FrameTransformer(TransformerMixin, BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn is untyped
    """A scikit-learn transformer from DataFrame to DataFrame.

    Subclasses learn in `fit`, name their columns in `feature_names` and write them in `fill`. Writing into the caller's
    memory lets many transformers share one block of floats, instead of each building a frame that is then copied.
    """

    @abstractmethod
    def fit(self, X: pd.DataFrame, y: object = None) -> FrameTransformer:  # noqa: N803
        """Learns from the frame; sets only attributes that end with ``_``, never parameters."""

    @abstractmethod
    def feature_names(self) -> list[str]:
        """Returns the distinct names of the output columns, in order; defined after `fit`."""

    @abstractmethod
    def fill(self, frame: pd.DataFrame, out: Floats) -> None:
        """Writes the transformed frame.

        Args:
            frame: A frame of n rows with all columns seen in `fit`; others are ignored.
            out: Uninitialised, shape ``(len(feature_names()), n)``: one contiguous row for each column that comes out.
        """

    @abstractmethod
    def input_columns(self) -> list[Hashable]:
        """Returns the columns that a frame must have in `transform`; defined after `fit`."""

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[np.object_]:
        """Returns the names of the output columns; ``input_features``, for scikit-learn, is ignored."""
        check_is_fitted(self)
        return np.asarray(self.feature_names(), dtype=object)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803
        """Transforms a frame of n rows, n may be 0.

        Returns:
            A new frame of n rows and the columns of `get_feature_names_out`, all float64, with the index of ``X``.

        Raises:
            sklearn.exceptions.NotFittedError: `fit` was not called.
            TypeError: ``X`` is not a pandas DataFrame.
            DatasetError: A column seen in `fit` is absent or cannot be read as what it was.
        """
        check_is_fitted(self)
        check_frame(X, self.input_columns())
        names = self.feature_names()
        out = np.empty((len(names), len(X)))
        self.fill(X, out)
        return build_frame(out, names, X.index)


def build_frame(rows: Floats, names: list[str], index: pd.Index) -> pd.DataFrame:
    """Wraps ``rows``, shape ``(len(names), len(index))``, as the columns of a frame, without a copy."""
    return pd.DataFrame(rows.T, index=index, columns=pd.Index(names, dtype=object if not names else None), copy=False)
