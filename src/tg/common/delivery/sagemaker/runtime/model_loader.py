"""Loads a trained model for MLflow from the package that it was trained with.

MLflow imports this under its name in the package, ``Titanic__0.tg.common.delivery.sagemaker.runtime.model_loader``, so
neither the project nor ``tg`` need be installed, and models of several versions can be loaded in one process.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ....errors import TaskDefinitionError, suggestion
from ...delivery.package.entry_point import open_own_package
from ...delivery.package.package_check import set_variables
from ...delivery.package.pickling import load_pickle
from ...delivery.package.version_differences import explaining_versions
from .module_aliases import add_fallback_aliases

# The parameter of MLflow's predict, and what it may name.
PREDICT_METHOD = "predict_method"
METHODS = ("predict", "predict_proba", "decision_function")


class ServedModel:
    """The object that MLflow calls: a fitted model behind MLflow's ``predict(data, params)``.

    Args:
        model: Fitted.

    Attributes:
        model: Likewise.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Predicts, by default with the model's own ``predict``: labels of a classifier, numbers of a regression.

        Args:
            data: The features of ``n_rows`` rows, as a frame; without a signature, MLflow passes the JSON of
                ``instances`` and ``inputs`` as a dictionary of columns or a list of rows.
            params: ``{"predict_method": "predict_proba"}`` returns the probabilities of the classes, of shape
                ``(n_rows, n_classes)``; ``"decision_function"`` calls the model's method of that name.

        Raises:
            TaskDefinitionError: If ``predict_method`` is none of these, or the model does not have it.
        """
        name = (params or {}).get(PREDICT_METHOD, "predict")
        if name not in METHODS:
            raise TaskDefinitionError(f"{PREDICT_METHOD} is {name!r}; {suggestion(str(name), METHODS)}")
        if not hasattr(self.model, name):
            raise TaskDefinitionError(
                f"{PREDICT_METHOD} is {name!r}, which this {type(self.model).__name__} does not have"
            )
        return getattr(self.model, name)(pd.DataFrame(data) if isinstance(data, (dict, list)) else data)


def prepare() -> None:
    """Prepares this process for the package's code; the package does so itself where a model's code is imported.

    Modules that the code names in strings are also found in the package, unless the process has a module of that name.
    Libraries choose the same optional parts as in the training, unless the process has chosen others.
    """
    package = open_own_package()
    set_variables(package.properties)
    add_fallback_aliases(package.module_name, ["tg", *package.properties["modules"]])


def _load_pyfunc(path: str) -> ServedModel:
    """Loads the pickle of a model; the function's name is MLflow's. Only for trusted models: it runs code."""
    prepare()
    with explaining_versions("the model cannot be loaded", open_own_package().properties):
        return ServedModel(load_pickle(Path(path)))
