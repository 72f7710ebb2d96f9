"""Says what a model is given and what it answers, from the first rows of its dataset."""

import copy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, Schema
from mlflow.types.schema import AnyType

from tg.common.delivery.sagemaker.model_loader import PREDICT_METHOD
from tg.common.ml.single_frame_training import SingleFrameTrainingTask
from tg_mlflow.result_dataset_file import open_dataset

_ROWS = 5


def build_example(task: SingleFrameTrainingTask, dataset: Path) -> pd.DataFrame:
    """Takes the features of the first rows, as the task's own loader gives them.

    Raises:
        Exception: What the loader has against these rows.
    """
    loader = copy.copy(task.data_loader)
    loader.sample = None  # of five rows there is no share to take
    opened = open_dataset(dataset)
    table = loader.load(dataset if opened is None else opened.read_first(_ROWS, loader.as_is))
    return table.frame[table.features].head(_ROWS)


def build_plain_example(example: pd.DataFrame) -> pd.DataFrame | None:
    """Writes an example as it can be written as JSON; ``None`` if the model would not know it again."""
    if any(column.dtype.kind == "m" or isinstance(column.dtype, pd.DatetimeTZDtype) for _, column in example.items()):
        return None
    categories = [name for name in example.columns if isinstance(example[name].dtype, pd.CategoricalDtype)]
    return example.astype({name: example[name].cat.categories.dtype for name in categories})


def build_signature(example: pd.DataFrame, model: Any) -> ModelSignature:
    """Describes the columns of ``example``, what ``model`` predicts for it, and the parameter ``predict_method``.

    A column whose values MLflow's types do not hold without loss is ``any``, which it leaves as it is: of a category,
    of times with a zone, and the like.

    Raises:
        ValueError: If a column's name is no text: MLflow would keep the column from the model.
        Exception: What the model has against the example, or MLflow against what it predicts.
    """
    if other := [name for name in example.columns if not isinstance(name, str)]:
        raise ValueError(f"column {other[0]!r} has a name that is no text, which MLflow's signatures do not hold")
    known = [name for name, column in example.items() if _has_mlflow_type(column)]
    with warnings.catch_warnings():
        # MLflow advises against columns of whole numbers, as they may miss values later. These have been looked at.
        warnings.filterwarnings("ignore", message=".*Inferred schema contains integer column")
        types = infer_signature(example[known]).inputs.input_dict() if known else {}
        signature = infer_signature(None, model.predict(example), params={PREDICT_METHOD: "predict"})
    columns = [types.get(name) or ColSpec(AnyType(), name, required=False) for name in example.columns]
    return ModelSignature(Schema(columns), signature.outputs, signature.params)


def _has_mlflow_type(column: "pd.Series[Any]") -> bool:
    if isinstance(column.dtype, pd.StringDtype):
        return True
    if column.dtype == object:
        return all(isinstance(value, str) for value in column.dropna())
    return isinstance(column.dtype, np.dtype) and column.dtype.kind in "biufM"
