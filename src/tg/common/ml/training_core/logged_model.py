"""What a training may log as a model."""

import re
from typing import Any

from ...errors import TaskDefinitionError
from ...module_specs import is_instance_of
from .artifact_content import build_parquet

# As many rows as the model of a training on one table is checked with.
_ROWS = 20
_NAME = re.compile(r"\w(?:[\w\- ]{0,98}\w)?")


def check_model(model: Any, name: Any) -> None:
    """Checks a model and its name.

    Raises:
        TaskDefinitionError: If the model does not predict, or MLflow does not take the name.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise TaskDefinitionError(
            f"the model's name is {name!r:.300}; give at most 100 letters, digits, '-', '_' and spaces, such as 'model'"
        )
    if not callable(getattr(model, "predict", None)):
        raise TaskDefinitionError(
            f"the model {name!r} is a {type(model).__name__}, which has no method `predict`; give it one, or log a file"
        )


def build_example(example: Any, name: str) -> bytes:
    """Returns the first rows of a frame that a model predicts from, as parquet.

    Raises:
        TaskDefinitionError: If it is no frame with rows, or cannot be written.
    """
    what = f"the example of the model {name!r}"
    if not is_instance_of(example, "pandas", "DataFrame") or not len(example):
        kind = type(example).__name__
        raise TaskDefinitionError(f"{what} is a {kind} without rows of features; give a pandas DataFrame of them")
    return build_parquet(example.head(_ROWS), what)
