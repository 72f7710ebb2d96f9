"""Passes categories to a library that supports them natively."""

from typing import Any, cast

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

# CatBoost accepts no missing category; this is pandas' text of one.
_MISSING = "nan"


class NativeCategories(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Gives categorical columns the categories of the fit; other values become missing.

    Whole numbers and text are kept; other categories, such as booleans, floats and times, which not all libraries
    accept, become text.

    Args:
        as_text: Whether categories become text, and the missing one ``nan``. Then others than those of the fit are
            kept, too.
        include_text: Whether columns of text are categories, too.

    Attributes:
        categories_: The categories of each such column, by its position.
    """

    def __init__(self, as_text: bool = False, include_text: bool = False) -> None:
        self.as_text = as_text
        self.include_text = include_text

    def fit(self, X: Any, y: object = None) -> "NativeCategories":  # noqa: N803
        """Learns the categories."""
        self.categories_: dict[int, pd.Index[Any]] = {}
        if isinstance(X, pd.DataFrame):
            self.feature_names_in_ = X.columns.to_numpy(dtype=object)
            for position, dtype in enumerate(X.dtypes):
                if isinstance(dtype, pd.CategoricalDtype):
                    self.categories_[position] = _make_plain(dtype.categories)
                elif self.include_text and is_text(dtype):
                    values = X.iloc[:, position].dropna().astype(object)
                    self.categories_[position] = _make_plain(values.astype("category").cat.categories)
        return self

    def transform(self, X: Any) -> Any:  # noqa: N803
        """Gives the columns their categories."""
        if not self.categories_ or not isinstance(X, pd.DataFrame):
            return X
        columns = {position: X.iloc[:, position] for position in range(X.shape[1])}
        for position, categories in self.categories_.items():
            columns[position] = self._convert(columns[position], categories)
        return pd.concat(columns, axis="columns").set_axis(X.columns, axis="columns")

    def _convert(self, column: "pd.Series[Any]", categories: "pd.Index[Any]") -> "pd.Series[Any]":
        if self.as_text:
            texts = [_MISSING if pd.isna(value) else str(value) for value in column]
            return pd.Series(texts, index=column.index, dtype=object).astype("category")
        if isinstance(column.dtype, pd.CategoricalDtype):
            known = categories.get_indexer(column.cat.categories.astype(object))
            codes = np.append(known, -1)[column.cat.codes]  # where -1, of a missing value, is the last
        else:
            codes = categories.get_indexer(pd.Index(column.to_numpy(dtype=object)))
        return pd.Series(pd.Categorical.from_codes(codes, _name_categories(categories)), index=column.index)

    def get_feature_names_out(self, input_features: object = None) -> Any:
        """Returns the input names."""
        return input_features

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "categories_")


def _make_plain(categories: "pd.Index[Any]") -> "pd.Index[Any]":
    """Converts text to Python's strings, the only ones that scikit-learn knows."""
    return categories.astype(object) if is_text(categories.dtype) else categories


def _name_categories(categories: "pd.Index[Any]") -> "pd.Index[Any]":
    """Whole numbers as numpy's, and text; of other values their text."""
    if pd.api.types.is_integer_dtype(categories.dtype):
        return cast("pd.Index[Any]", pd.Index(categories.to_numpy()))
    return categories if is_text(categories.dtype) else pd.Index([str(value) for value in categories], dtype=object)


def is_text(dtype: Any) -> bool:
    """Returns whether a column of this dtype is text, or Python objects that may be text."""
    return bool(
        pd.api.types.is_object_dtype(dtype) or isinstance(dtype, pd.StringDtype) or pd.api.types.is_string_dtype(dtype)
    )
