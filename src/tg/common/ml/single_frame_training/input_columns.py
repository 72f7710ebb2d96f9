"""The first step of every pipeline: converts the columns of any table to those of the training."""

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from ...errors import DatasetError, listed
from .column_reading import UnreadableValueError, read_column

_LONGEST_VALUE = 80


@dataclass(frozen=True)
class InputColumn:
    """A feature of the training's rows.

    Attributes:
        name: The column's name.
        dtype: Its dtype, with the order of categories, the unit of times and their zone.
        kind: What a column of objects holds, as ``pandas.api.types.infer_dtype`` says; empty for other dtypes.
        is_optional: Whether values were missing.
        is_whole: Whether it is a column of floats with nothing but whole numbers and missing values.
    """

    name: Hashable
    dtype: Any
    kind: str
    is_optional: bool
    is_whole: bool

    @staticmethod
    def of(name: Hashable, values: "pd.Series[Any]") -> "InputColumn":
        """Describes a column of the training."""
        present = values.dropna()
        is_float = isinstance(values.dtype, np.dtype) and values.dtype.kind == "f"
        return InputColumn(
            name=name,
            dtype=values.dtype,
            kind=_find_kind(values),
            is_optional=len(present) < len(values),
            is_whole=is_float and bool((present == np.floor(present)).all()),
        )

    def matches(self, values: "pd.Series[Any]") -> bool:
        """Returns whether ``values`` are as in the training and need no conversion."""
        if values.dtype != self.dtype or _find_kind(values) not in (self.kind, "empty"):
            return False
        if isinstance(self.dtype, pd.CategoricalDtype) and isinstance(values.dtype, pd.CategoricalDtype):
            # Without an order, dtypes are equal for any order of categories; learners see their codes.
            ours, theirs = self.dtype.categories, values.dtype.categories
            return bool(ours.dtype == theirs.dtype and ours.equals(theirs))
        return True

    def read(self, values: "pd.Series[Any]") -> "pd.Series[Any]":
        """Reads a column as the training's.

        Raises:
            DatasetError: If a value cannot be read; names the column and the first such value.
        """
        if self.matches(values):
            return values
        try:
            return read_column(values, self.dtype, self.kind)
        except UnreadableValueError as error:
            value = repr(error.value)
            shown = value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
            what = self.dtype if not self.kind else f"{self.kind} values"
            raise DatasetError(
                f"column {self.name!r} holds {what}, as which {shown} cannot be read: {error.reason}"
            ) from error


class InputColumns(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Converts a served model's input to the training's columns; leaves the training's own tables as they are.

    JSON knows neither times nor categories nor decimals, a request may miss a column or have its columns in another
    order, and whole numbers are floats as soon as one is missing. Each column is read as the training's dtype:

    * times from ISO texts, dates and times: with a zone, they are converted to the training's zone. Without one where
      the training has one, they are taken for UTC if that is the training's, and refused otherwise; with one where the
      training has none, only UTC is taken. A number is refused, as it does not say its unit;
    * numbers from numbers, decimals and texts, and floats from times of day, as their seconds; whole numbers with
      missing values or fractions become floats;
    * categories from categories, texts and numbers; what the training has not seen is missing.

    Columns that the training did not have are ignored; one that is absent is missing in all rows if values of it were
    missing in the training, and an error otherwise. Arrays pass as they are.

    Attributes:
        columns_: The features, as :class:`InputColumn`; ``None`` where the training's features were no frame.
        feature_names_in_: Their names, if all of them are texts.
    """

    def fit(self, X: Any, y: Any = None) -> "InputColumns":  # noqa: N803 - scikit-learn's name
        """Remembers the names and dtypes of ``X``, of shape ``(n_rows, n_features)``."""
        self.columns_: list[InputColumn] | None = None
        if isinstance(X, pd.DataFrame):
            self.columns_ = [InputColumn.of(name, column) for name, column in X.items()]
            self.names_ = X.columns
            self.n_features_in_ = X.shape[1]
            if all(isinstance(name, str) for name in X.columns):
                self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        return self

    def transform(self, X: Any) -> Any:  # noqa: N803
        """Reads ``X`` as the training's table.

        Returns:
            ``X`` itself if nothing differs; else a new frame of shape ``(n_rows, n_features)`` with its index.

        Raises:
            DatasetError: If a column is absent that the model needs, or a value cannot be read.
        """
        if self.columns_ is None or not isinstance(X, pd.DataFrame):
            return X
        if X.columns.equals(self.names_) and all(
            column.matches(X.iloc[:, number]) for number, column in enumerate(self.columns_)
        ):
            return X
        given = self._find(X)
        read = [
            column.read(X.iloc[:, given[column.name]] if column.name in given else _missing(X))
            for column in self.columns_
        ]
        frame = pd.DataFrame(dict(enumerate(read)), index=X.index)
        frame.columns = self.names_
        return frame

    def get_feature_names_out(self, input_features: Any = None) -> "np.ndarray[Any, Any]":
        """Returns the names of the columns, which are those of the training."""
        names = input_features if self.columns_ is None else [column.name for column in self.columns_]
        return np.asarray([] if names is None else names, dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "columns_")

    def _find(self, frame: pd.DataFrame) -> dict[Hashable, int]:
        """Finds the columns in a frame. Names that are not strings have become strings in JSON."""
        assert self.columns_ is not None
        count: Counter[Hashable] = Counter(frame.columns)
        exact: dict[Hashable, int] = {name: number for number, name in enumerate(frame.columns)}
        by_text = {str(name): number for name, number in exact.items()}
        found: dict[Hashable, int] = {}
        for column in self.columns_:
            if count[column.name] > 1:
                raise DatasetError(f"column {column.name!r} stands in the table more than once; rename or drop one")
            number = exact.get(column.name, by_text.get(str(column.name)))
            if number is not None:
                found[column.name] = number
        if absent := [each.name for each in self.columns_ if each.name not in found and not each.is_optional]:
            raise DatasetError(
                f"the model needs the columns {listed(absent)}, which are not in the table; it has "
                f"{listed(frame.columns)}"
            )
        return found


def _find_kind(values: "pd.Series[Any]") -> str:
    return pd.api.types.infer_dtype(values, skipna=True) if values.dtype == object else ""


def _missing(frame: pd.DataFrame) -> "pd.Series[Any]":
    return pd.Series([None] * len(frame), index=frame.index, dtype=object)
