"""Builds a model's example and signature from the training's dataset."""

import copy
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import AnyType

from tg.common.delivery.sagemaker.runtime.model_loader import PREDICT_METHOD
from tg.common.errors import DatasetError
from tg.common.ml.single_frame_training import InputColumn, SingleFrameTrainingTask
from tg.common.ml.tables.table import Table
from tg_mlflow.results.dataset_file import open_dataset
from tg_mlflow.results.model_json import as_json_columns

_EXAMPLE_ROWS = 5
_SAMPLE_ROWS = 20
# The parameters that every model accepts.
PARAMS = ParamSchema([ParamSpec(PREDICT_METHOD, DataType.string, "predict")])


@dataclass(frozen=True)
class Sample:
    """The first rows of a dataset.

    Attributes:
        given: The features as pandas reads them from the dataset, as a user would pass them to the model.
        features: The features as the task's loader returns them, on which the model was trained.
        mixed: The columns that have another type in other files.
    """

    given: pd.DataFrame
    features: pd.DataFrame
    mixed: frozenset[str] = frozenset()


def read_sample(task: SingleFrameTrainingTask, dataset: Path) -> Sample:
    """Reads the features of the first rows.

    Raises:
        Exception: Any exception of the loader.
    """
    loader = copy.copy(task.data_loader)
    loader.sample = None  # a few rows are not sampled
    opened = open_dataset(dataset)
    table = loader.load(dataset if opened is None else opened.read_first(_SAMPLE_ROWS, loader.as_is))
    features = table.frame[table.features].head(_SAMPLE_ROWS)
    raw = None if opened is None else _read_raw(opened)
    is_raw = raw is not None and set(table.features) <= set(raw.columns) and features.index.isin(raw.index).all()
    given = raw.loc[features.index, table.features] if raw is not None and is_raw else features
    return Sample(given, features, frozenset() if opened is None else frozenset(opened.mixed))


def _read_raw(table: Table) -> pd.DataFrame | None:
    try:
        return table.read_first(_SAMPLE_ROWS, as_is=table.schema.names)
    except DatasetError:  # pandas refuses what the loader reads, such as times of day with nanoseconds
        return None


def build_example(sample: Sample) -> pd.DataFrame | None:
    """Returns a few rows with values that JSON can represent and the model reads; ``None`` if there are others."""
    given = sample.given.head(_EXAMPLE_ROWS)
    try:
        columns = as_json_columns(given)
    except TypeError:
        return None
    plain = {
        name: values if _is_plain(given[name]) else pd.Series(values, index=given.index, dtype=object)
        for name, values in columns.items()
    }
    return pd.DataFrame(plain, index=given.index)


def find_columns(model: Any, features: pd.DataFrame) -> list[InputColumn]:
    """Returns the features as the model's first step knows them from all rows; else as in ``features``."""
    first = getattr(model, "steps", [(None, None)])[0][1]
    known: Sequence[InputColumn] | None = getattr(first, "columns_", None)
    return list(known) if known else [InputColumn.of(name, column) for name, column in features.items()]


def build_signature(columns: Sequence[InputColumn], sample: Sample, predictions: Any) -> ModelSignature:
    """Describes the features, their predictions, and the parameter ``predict_method``.

    MLflow checks and converts a model's input by its signature, more strictly than the model reads it, and with loss:
    in JSON, it converts ``None`` to ``False`` and 1.5 to 1. A feature therefore has MLflow's type ``double`` or
    ``string`` only if no value of it was missing, it was not a whole number, and all files have it in one type; all
    others are ``any``, which MLflow leaves as they are.

    Raises:
        ValueError: If a column's name is not a string, or empty: MLflow would drop the column.
        Exception: Any exception of MLflow about the predictions.
    """
    if other := [each.name for each in columns if not isinstance(each.name, str)]:
        raise ValueError(f"column {other[0]!r} has a name that is not text, which MLflow's signatures do not hold")
    if any(each.name == "" for each in columns):
        raise ValueError("column '' has a name that is empty, which MLflow's signatures do not hold")
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(_find_type(each, sample), str(each.name), required=not each.is_optional) for each in columns
    ]
    with warnings.catch_warnings():
        # MLflow advises against columns of whole numbers, as they may miss values later; a model's answers do not.
        warnings.filterwarnings("ignore", message=".*Inferred schema contains integer column")
        outputs = infer_signature(None, predictions).outputs
    return ModelSignature(Schema(inputs), outputs, PARAMS)


def _find_type(column: InputColumn, sample: Sample) -> Any:
    given = sample.given
    if column.is_optional or column.name in sample.mixed or column.name not in given.columns:
        return AnyType()
    if not _is_plain(given[column.name]):
        return AnyType()
    if isinstance(column.dtype, np.dtype) and column.dtype == np.float64 and not column.is_whole:
        return DataType.double
    if isinstance(column.dtype, pd.StringDtype) or column.kind == "string":
        return DataType.string
    return AnyType()


def _is_plain(values: "pd.Series[Any]") -> bool:
    """Returns whether a column is of floats or strings, as a user's own would be."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "f":
        return True
    return isinstance(values.dtype, pd.StringDtype) or pd.api.types.infer_dtype(values, skipna=False) == "string"
