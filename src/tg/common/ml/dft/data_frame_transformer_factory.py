"""Chooses a transformer for each column of a frame it has not seen yet."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer

from ...errors import DatasetError
from .categorical_transformer import CategoricalTransformer
from .category_levels import count_distinct
from .column_kind import ColumnKind, check_objects
from .continuous_transformer import ContinuousTransformer
from .data_frame_transformer import DataFrameTransformer
from .datetime_transformer import DatetimeTransformer
from .frame_transformer import Floats, FrameTransformer, check_fit

TransformerFactory = Callable[[list[Hashable]], Any]
"""Takes column names and returns an unfitted transformer; a class or a partial of one can be pickled, a lambda not."""


class DataFrameTransformerFactory(FrameTransformer):
    """A transformer that looks at the dtypes in `fit`, builds a `DataFrameTransformer` and acts as it does.

    Built by calls, each of which changes the factory and returns it; a repeated call replaces the earlier one::

        DataFrameTransformerFactory().on_continuous(ContinuousTransformer).on_categorical(CategoricalTransformer)

    The output columns are in this order: those of `on_columns` call by call, then continuous, boolean, categorical,
    rich and datetime ones, each kind in the order of the frame. In `transform` columns not seen in `fit` are ignored.

    Args:
        columns: What `on_columns` adds: pairs of column names and a factory.
        continuous: What `on_continuous` sets.
        boolean: What `on_boolean` sets.
        categorical: What `on_categorical` sets.
        rich_category: What `on_rich_category` sets: a number and a factory.
        datetime: What `on_datetime` sets.

    Attributes:
        transformer_: The fitted `DataFrameTransformer`.
        feature_names_in_: The columns of the frame given to `fit`.
        n_features_in_: Their number.
    """

    def __init__(
        self,
        *,
        columns: Sequence[tuple[Sequence[Hashable], TransformerFactory]] = (),
        continuous: TransformerFactory | None = None,
        boolean: TransformerFactory | None = None,
        categorical: TransformerFactory | None = None,
        rich_category: tuple[int, TransformerFactory] | None = None,
        datetime: TransformerFactory | None = None,
    ) -> None:
        self.columns = columns
        self.continuous = continuous
        self.boolean = boolean
        self.categorical = categorical
        self.rich_category = rich_category
        self.datetime = datetime

    @staticmethod
    def default_factory(max_values: int = 10) -> DataFrameTransformerFactory:
        """Builds a factory that suits most tables.

        Numbers, timedeltas and times of day (in seconds) are scaled and imputed; booleans become one column of 0 and 1,
        unscaled, a missing one 0; text, objects and categories are one-hot encoded; dates and datetimes become year,
        month, day, day of the week and hour. Missing values get indicators.

        Args:
            max_values: How many values of a categorical column have a column of their own.
        """
        return (
            DataFrameTransformerFactory()
            .on_continuous(ContinuousTransformer)
            .on_boolean(_build_boolean_transformer)
            .on_categorical(partial(CategoricalTransformer, max_values=max_values))
            .on_datetime(DatetimeTransformer)
        )

    def on_columns(self, names: Sequence[Hashable], factory: TransformerFactory) -> DataFrameTransformerFactory:
        """For these columns, whatever they are; goes before all other rules and adds to earlier calls.

        Raises:
            TypeError: ``names`` is a bare name.
        """
        if isinstance(names, str):
            raise TypeError(f"on_columns takes a list of column names, got {names!r}; write [{names!r}]")
        self.columns = (*self.columns, (names, factory))
        return self

    def on_continuous(self, factory: TransformerFactory) -> DataFrameTransformerFactory:
        """For numbers, decimals, times of day and timedeltas; for booleans too unless `on_boolean` is called."""
        self.continuous = factory
        return self

    def on_boolean(self, factory: TransformerFactory) -> DataFrameTransformerFactory:
        """For columns with a boolean dtype."""
        self.boolean = factory
        return self

    def on_categorical(self, factory: TransformerFactory) -> DataFrameTransformerFactory:
        """For text, objects and categories."""
        self.categorical = factory
        return self

    def on_rich_category(self, max_distinct: int, factory: TransformerFactory) -> DataFrameTransformerFactory:
        """For text, objects and categories that have more than ``max_distinct`` distinct values in `fit`."""
        self.rich_category = (max_distinct, factory)
        return self

    def on_datetime(self, factory: TransformerFactory) -> DataFrameTransformerFactory:
        """For dates and datetimes with and without a time zone, also as Python objects; text is none."""
        self.datetime = factory
        return self

    def fit(self, X: pd.DataFrame, y: object = None) -> DataFrameTransformerFactory:  # noqa: N803
        """Chooses and fits the transformers; ``y`` is passed on to them.

        Raises:
            TypeError: ``X`` is not a DataFrame, or a factory returned no transformer.
            ValueError: There are no columns or no rows, a column has no rule or is of a type that is not known, or its
                transformer cannot read it.
        """
        self._set_fitted(X, self._build(X).fit(X, y))
        return self

    def fit_transform(self, X: pd.DataFrame, y: object = None) -> pd.DataFrame:  # noqa: N803
        """As `DataFrameTransformer.fit_transform`; errors are those of `fit`."""
        transformer = self._build(X)
        result = transformer.fit_transform(X, y)
        self._set_fitted(X, transformer)
        return result

    def input_columns(self) -> list[Hashable]:
        return list(self.feature_names_in_)

    def feature_names(self) -> list[str]:
        return self.transformer_.feature_names()

    def fill(self, frame: pd.DataFrame, out: Floats) -> None:
        self.transformer_.fill(frame, out)

    def _set_fitted(self, frame: pd.DataFrame, transformer: DataFrameTransformer) -> None:
        self.transformer_ = transformer
        self.feature_names_in_ = np.empty(frame.shape[1], dtype=object)
        self.feature_names_in_[:] = list(frame.columns)
        self.n_features_in_ = frame.shape[1]

    def _build(self, frame: pd.DataFrame) -> DataFrameTransformer:
        """Builds the unfitted transformer for the columns of ``frame``."""
        check_fit(frame, [])
        if not frame.shape[1]:
            raise DatasetError("the frame has no columns to transform")
        explicit = set(check_fit(frame, [name for names, _ in self.columns for name in names]))
        check_fit(frame, dict.fromkeys(frame.columns))
        rules: list[tuple[str, TransformerFactory, list[Hashable]]] = [
            ("on_columns", factory, list(names)) for names, factory in self.columns
        ]
        slots: dict[str, list[Hashable]] = {}
        for column in frame.columns:
            if column not in explicit:
                slots.setdefault(self._slot(frame[column]), []).append(column)
        for slot in ("continuous", "boolean", "categorical", "rich_category", "datetime"):
            if slot in slots:
                rule = getattr(self, slot)
                rules.append((f"on_{slot}", rule[1] if slot == "rich_category" else rule, slots[slot]))
        return DataFrameTransformer([_make(*rule) for rule in rules if rule[2]])

    def _slot(self, series: pd.Series) -> str:
        """Returns the parameter whose factory handles a column."""
        kind = ColumnKind.of(series)
        if kind is None and series.dtype == object:
            check_objects(series)
        if kind is None:
            advice = "convert it to numbers, text or datetimes"
        elif kind is ColumnKind.CATEGORICAL and self.rich_category is not None:
            if count_distinct(series) > self.rich_category[0]:
                return "rich_category"
            advice = "call on_categorical(...)"
        else:
            advice = f"call on_{kind.value}(...)"
        if kind is not None and getattr(self, kind.value) is not None:
            return kind.value
        if kind is ColumnKind.BOOLEAN and self.continuous is not None:
            return "continuous"
        raise DatasetError(
            f"column {series.name!r} (dtype {series.dtype}) has no rule: {advice}, drop it, or name it in "
            f"on_columns([{series.name!r}], ...)"
        )


def _build_boolean_transformer(columns: list[Hashable]) -> ContinuousTransformer:
    # a function, since the NaN inside a SimpleImputer would make a factory written by jsonpickle invalid JSON
    return ContinuousTransformer(columns, scaler=None, imputer=SimpleImputer(strategy="constant", fill_value=0.0))


def _make(rule: str, factory: TransformerFactory, columns: list[Hashable]) -> Any:
    transformer = factory(columns)
    if not hasattr(transformer, "fit") or not hasattr(transformer, "transform") or isinstance(transformer, type):
        raise TypeError(f"the factory given to {rule} must return a transformer for {columns}, got {transformer!r}")
    return transformer
