"""Reads a training's table and says which columns are features and which is the label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ...errors import DatasetError, TaskDefinitionError, listed

MISSING_FEATURES_CHOICES = ("error", "skip", "null")


@dataclass(frozen=True)
class LabelledFrame:
    """A table ready for training.

    Attributes:
        frame: All columns that were read, with the index of the source; a splitter may use any of them.
        features: The columns that the model sees.
        label_column: The column that the model learns to predict; no value is missing.
    """

    frame: pd.DataFrame
    features: list[str]
    label_column: str

    @property
    def labels(self) -> "np.ndarray[Any, Any]":
        """The labels as a plain array of shape ``(n_rows,)``, whatever the column's dtype."""
        column = self.frame[self.label_column]
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype(column.cat.categories.dtype)
        if pd.api.types.is_bool_dtype(column.dtype):
            return column.to_numpy(dtype=bool)
        if pd.api.types.is_numeric_dtype(column.dtype):
            kind = np.dtype(float) if pd.api.types.is_float_dtype(column.dtype) else np.dtype(np.int64)
            return column.to_numpy(dtype=kind)
        return column.to_numpy(dtype=object)


class DataFrameLoader:
    """Reads a parquet file or folder, or takes a frame as it is.

    Args:
        label_column: The column to predict.
        features: Columns or names of ``feature_groups``; by default, every column but the label and ``exclude``.
        feature_groups: Names for sets of columns, so that a sweep can vary ``features`` by group.
        exclude: Columns that are no features, such as the time a splitter uses.
        missing_features: What to do when a feature named here is not in the data: ``"error"``, ``"skip"`` (train
            without it) or ``"null"`` (a column of missing values).
        sample: How many rows to train on: a whole number, or a share of them as a float up to 1.0. Rows keep their
            order.
        sample_seed: Fixes the sample.

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
    ) -> None:
        if missing_features not in MISSING_FEATURES_CHOICES:
            raise TaskDefinitionError(
                f"missing_features is {missing_features!r}; choose from {', '.join(MISSING_FEATURES_CHOICES)}"
            )
        for name, value in (("features", features), ("exclude", exclude)):
            if isinstance(value, str):
                raise TaskDefinitionError(f"{name} is the text {value!r}; give a list of names, such as [{value!r}]")
        self.label_column = label_column
        self.features = None if features is None else list(features)
        self.feature_groups = {name: list(columns) for name, columns in (feature_groups or {}).items()}
        self.exclude = list(exclude)
        self.missing_features = missing_features
        self.sample = sample
        self.sample_seed = sample_seed

    def load(self, data: "str | Path | pd.DataFrame") -> LabelledFrame:
        """Reads and checks the data.

        Args:
            data: A frame, or the path of a parquet file or of a folder of parquet files.

        Raises:
            DatasetError: If there is nothing to read, nothing in it, or no usable label or feature.
        """
        frame = data if isinstance(data, pd.DataFrame) else self._read(data)
        if frame.empty:
            raise DatasetError(f"the dataset has {len(frame)} rows and {len(frame.columns)} columns; it holds no data")
        if duplicated := sorted({str(name) for name in frame.columns[frame.columns.duplicated()]}):
            raise DatasetError(f"columns {listed(duplicated)} stand in the data more than once; rename or drop them")
        self._check_label(frame)
        if self.sample is not None:
            frame = self._take_sample(frame)
        return self._select(frame)

    @staticmethod
    def _read(data: Any) -> pd.DataFrame:
        if not isinstance(data, (str, Path)):
            raise DatasetError(f"cannot read data from {data!r}; give a data frame or the path of a parquet file")
        path = Path(data)
        if not path.exists():
            raise DatasetError(f"the dataset {str(path)!r} does not exist; check the path, or prepare the data first")
        try:
            return pd.read_parquet(path)
        except (pa.ArrowException, OSError, ValueError) as error:
            cause = (str(error).splitlines() or [type(error).__name__])[0]
            raise DatasetError(
                f"the dataset {str(path)!r} cannot be read as parquet ({cause}); write it with DataFrame.to_parquet"
            ) from error

    def _check_label(self, frame: pd.DataFrame) -> None:
        if self.label_column not in frame.columns:
            raise DatasetError(
                f"label column {self.label_column!r} is not in the data, which have {listed(frame.columns)}"
            )
        label = frame[self.label_column]
        if pd.api.types.is_float_dtype(label.dtype):
            label = label.replace([np.inf, -np.inf], np.nan)
        missing = label.isna()
        if missing.any():
            raise DatasetError(
                f"label column {self.label_column!r} has no finite value in {int(missing.sum())} of {len(frame)} rows, "
                f"the first at index {frame.index[int(missing.to_numpy().argmax())]}; drop or fill these rows"
            )

    def _take_sample(self, frame: pd.DataFrame) -> pd.DataFrame:
        sample = self.sample
        if isinstance(sample, bool) or not isinstance(sample, (int, float)) or sample <= 0:
            raise TaskDefinitionError(f"sample is {sample!r}; give a number of rows or a share up to 1.0")
        if isinstance(sample, float) and sample > 1:
            raise TaskDefinitionError(f"sample is {sample!r}; a share is at most 1.0, a number of rows is an int")
        count = min(sample, len(frame)) if isinstance(sample, int) else max(1, round(sample * len(frame)))
        chosen = np.random.default_rng(self.sample_seed).choice(len(frame), size=count, replace=False)
        return frame.iloc[np.sort(chosen)]

    def _select(self, frame: pd.DataFrame) -> LabelledFrame:
        if self.features is None:
            features = [name for name in frame.columns if name not in {self.label_column, *self.exclude}]
        else:
            named = [column for name in self.features for column in self.feature_groups.get(name, [name])]
            features = [name for name in dict.fromkeys(named) if name not in self.exclude]
        if self.label_column in features:
            raise TaskDefinitionError(f"the label column {self.label_column!r} is named as a feature; remove it there")
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
        return LabelledFrame(frame, features, self.label_column)
