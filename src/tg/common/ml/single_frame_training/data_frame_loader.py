"""Reads a training's table and determines its features and its label."""

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import DatasetError, TaskDefinitionError, listed
from ...logger import Logger
from ..tables import PlainFrame, read_frame
from ..tables.table import open_table
from .row_roles import read_groups, read_weights

MISSING_FEATURES_CHOICES = ("error", "skip", "null")


@dataclass(frozen=True)
class LabelledFrame:
    """A table ready for training.

    Attributes:
        frame: All columns that were read, with the index of the source; a splitter may use any of them.
        features: The columns that the model sees.
        label_column: The column that the model learns to predict; no value is missing.
        weight_column: How much each row counts in the fit, if not all the same; no value is missing or negative.
        group_column: The group of each row, for a ranking; no value is missing.
    """

    frame: pd.DataFrame
    features: list[str]
    label_column: str
    weight_column: str | None = None
    group_column: str | None = None

    @property
    def weights(self) -> "np.ndarray[Any, Any] | None":
        """The weights as floats of shape ``(n_rows,)``."""
        return None if self.weight_column is None else read_weights(self.frame, self.weight_column)

    @property
    def groups(self) -> "np.ndarray[Any, Any] | None":
        """The number of each row's group, of shape ``(n_rows,)``."""
        return None if self.group_column is None else read_groups(self.frame, self.group_column)

    @property
    def labels(self) -> "np.ndarray[Any, Any]":
        """The labels as a plain array of shape ``(n_rows,)``, whatever the column's dtype."""
        column = _plain(self.frame[self.label_column])
        if pd.api.types.is_bool_dtype(column.dtype):
            return column.to_numpy(dtype=bool)
        if pd.api.types.is_float_dtype(column.dtype):
            return column.to_numpy(dtype=float)
        if pd.api.types.is_integer_dtype(column.dtype):
            is_signed = column.dtype.kind == "i" or column.max() <= np.iinfo(np.int64).max
            return column.to_numpy(dtype=np.int64 if is_signed else np.uint64)
        return column.to_numpy(dtype=object)


def _plain(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Converts categories and Python objects to the dtype of their values, where there is one."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    return column.infer_objects()


class DataFrameLoader:
    """Reads a parquet or CSV file, or a folder of such files, or takes a frame.

    Columns have the same types from any source, as `tg.common.ml.tables.column_types` defines: decimals are floats,
    dates are times, and so on. A feature or label of a type that no model learns from is refused.

    Args:
        label_column: The column to predict.
        features: Columns or names of ``feature_groups``; by default, every column but the label and ``exclude``.
        feature_groups: Names for sets of columns, so that a sweep can vary ``features`` by group.
        exclude: Columns that are not features, such as the time a splitter uses.
        missing_features: What to do when a feature named here is not in the data: ``"error"``, ``"skip"`` (train
            without it) or ``"null"`` (a column of missing values).
        sample: How many rows to train on: a whole number, or a share of them as a float up to 1.0. Rows keep their
            order.
        sample_seed: Fixes the sample.
        weight_column: The weight of each row in the fit; not a feature. Metrics are unweighted.
        group_column: The group of each row of a ranking, such as a query; not a feature.
        as_is: Columns that are passed on as they are, of any type, for a transformer of your own.

    Raises:
        TaskDefinitionError: If these do not fit together.
    """

    def __init__(
        self,
        label_column: str,
        features: Sequence[str] | None = None,
        feature_groups: Mapping[str, Sequence[str]] | None = None,
        exclude: Sequence[str] = (),
        missing_features: str = "error",
        sample: int | float | None = None,
        sample_seed: int = 0,
        weight_column: str | None = None,
        group_column: str | None = None,
        as_is: Sequence[str] = (),
    ) -> None:
        self.label_column = label_column
        self.features = features if features is None or isinstance(features, str) else list(features)
        self.feature_groups = {name: list(columns) for name, columns in (feature_groups or {}).items()}
        self.exclude = exclude if isinstance(exclude, str) else list(exclude)
        self.missing_features = missing_features
        self.sample = sample
        self.sample_seed = sample_seed
        self.weight_column = weight_column
        self.group_column = group_column
        self.as_is = as_is if isinstance(as_is, str) else list(as_is)
        self._check()

    def _check(self) -> None:
        if self.missing_features not in MISSING_FEATURES_CHOICES:
            raise TaskDefinitionError(
                f"missing_features is {self.missing_features!r}; choose from {', '.join(MISSING_FEATURES_CHOICES)}"
            )
        for name, value in (("features", self.features), ("exclude", self.exclude), ("as_is", self.as_is)):
            if isinstance(value, str):
                raise TaskDefinitionError(f"{name} is the text {value!r}; give a list of names, such as [{value!r}]")
        sample: Any = self.sample
        if sample is None:
            return
        if isinstance(sample, bool) or not isinstance(sample, numbers.Real) or not float(sample) > 0:
            raise TaskDefinitionError(f"sample is {sample!r}; give a number of rows or a share up to 1.0")
        if not isinstance(sample, numbers.Integral) and float(sample) > 1:
            raise TaskDefinitionError(f"sample is {sample!r}; a share is at most 1.0, a number of rows is an int")

    def load(self, data: "str | Path | pd.DataFrame") -> LabelledFrame:
        """Reads and checks the data.

        Args:
            data: A frame, or the path of a parquet or CSV file or of a folder of such files.

        Raises:
            DatasetError: If there is nothing to read, nothing in it, or no usable label or feature; or if a label or
                feature is of a type that no model learns from.
            TaskDefinitionError: If hyperparameters have set something that does not fit.
        """
        self._check()
        frame = data if isinstance(data, pd.DataFrame) else self._read(data)
        if frame.empty:
            source = "" if frame is data else f" {str(data)!r}"
            raise DatasetError(
                f"the dataset{source} has {len(frame)} rows and {len(frame.columns)} columns; give one that holds data"
            )
        if duplicated := sorted({str(name) for name in frame.columns[frame.columns.duplicated()]}):
            raise DatasetError(f"columns {listed(duplicated)} stand in the data more than once; rename or drop them")
        plain = read_frame(frame, self.as_is)
        frame = plain.frame
        self._check_label(frame, plain)
        for role, column, advice in (("weight", self.weight_column, "numbers"), ("group", self.group_column, "text")):
            if column in plain.unread:
                raise DatasetError(f"{role} column {column!r} {plain.unread[column]}; cast it to {advice}")
        if self.weight_column is not None:
            read_weights(frame, self.weight_column)
        if self.group_column is not None:
            read_groups(frame, self.group_column)
        if self.sample is not None:
            frame = self._take_sample(frame, self.sample)
        table = self._select(frame)
        self._check_features(table.features, plain)
        return table

    def find_columns(self, names: Sequence[str]) -> list[str]:
        """Returns those of a table's columns that :meth:`load` makes something of."""
        roles = {self.label_column, self.weight_column, self.group_column}
        if self.features is None:
            return [name for name in names if name in roles or name not in self.exclude]
        return [name for name in names if name in roles or name in self._list_named()]

    def _list_named(self) -> list[str]:
        """Lists the features that are named, in their order."""
        assert self.features is not None
        named = [column for name in self.features for column in self.feature_groups.get(name, [name])]
        return [name for name in dict.fromkeys(named) if name not in self.exclude]

    def _read(self, data: Any) -> pd.DataFrame:
        if data is None:
            raise DatasetError(
                "this task needs a dataset and none is given; set `dataset` to a parquet or CSV file, or a folder"
            )
        if not isinstance(data, (str, Path)):
            raise DatasetError(
                f"cannot read data from a {type(data).__name__}; give a data frame or the path of a parquet or CSV file"
            )
        path = Path(data)
        if not path.exists():
            raise DatasetError(f"the dataset {str(path)!r} does not exist; check the path, or prepare the data first")
        return open_table(path).read(self.as_is)

    def _check_features(self, features: Sequence[str], plain: PlainFrame) -> None:
        for name in features:
            if name in plain.unread:
                raise DatasetError(
                    f"feature {name!r} {plain.unread[name]}, which no model learns from: cast it to numbers, text or "
                    "times, exclude it, or name it in as_is and in your transformer's on_columns"
                )
        if empty := [name for name in plain.empty if name in features]:
            Logger.warning(f"the features {listed(empty)} hold no values and say nothing of their type; they are NaN")

    def _check_label(self, frame: pd.DataFrame, plain: PlainFrame) -> None:
        if self.label_column not in frame.columns:
            raise DatasetError(
                f"label column {self.label_column!r} is not in the data, which have {listed(frame.columns)}"
            )
        if self.label_column in plain.unread:
            raise DatasetError(
                f"label column {self.label_column!r} {plain.unread[self.label_column]}, which no model predicts; cast "
                "it to numbers or text"
            )
        label = _plain(frame[self.label_column])
        if pd.api.types.is_float_dtype(label.dtype):
            label = label.replace([np.inf, -np.inf], np.nan)
        missing = label.isna()
        if missing.any():
            first = frame.index[int(missing.to_numpy().argmax())]
            shown = ", ".join(map(str, first)) if isinstance(first, tuple) else first
            raise DatasetError(
                f"label column {self.label_column!r} has no finite value in {int(missing.sum())} of {len(frame)} rows, "
                f"the first at index {shown}; drop or fill these rows"
            )

    def _take_sample(self, frame: pd.DataFrame, sample: int | float) -> pd.DataFrame:
        is_count = isinstance(sample, numbers.Integral)
        count = min(int(sample), len(frame)) if is_count else max(1, round(float(sample) * len(frame)))
        chosen = np.random.default_rng(self.sample_seed).choice(len(frame), size=count, replace=False)
        return frame.iloc[np.sort(chosen)]

    def _select(self, frame: pd.DataFrame) -> LabelledFrame:
        roles = {"label": self.label_column, "weight": self.weight_column, "group": self.group_column}
        if self.features is None:
            features = [name for name in frame.columns if name not in {*roles.values(), *self.exclude}]
        else:
            features = self._list_named()
        for role, column in roles.items():
            if column in features:
                raise TaskDefinitionError(f"the {role} column {column!r} is named as a feature; remove it there")
        if absent := [name for name in features if name not in frame.columns]:
            if self.missing_features == "error":
                raise DatasetError(
                    f"features {listed(absent)} are not in the data, which have {listed(frame.columns)}; "
                    "correct the names or set missing_features='skip' or 'null'"
                )
            if self.missing_features == "skip":
                features = [name for name in features if name in frame.columns]
            else:
                frame = frame.assign(**{name: np.nan for name in absent})
        if not features:
            raise DatasetError(
                f"no feature is left: the data have {listed(frame.columns)}, the label is {self.label_column!r} "
                f"and {listed(self.exclude)} is excluded"
            )
        return LabelledFrame(frame, features, self.label_column, self.weight_column, self.group_column)
