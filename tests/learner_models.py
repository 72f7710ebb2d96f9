"""Models of several libraries, small enough for tests, each made by a function that imports its library."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

PROBLEMS = ("binary", "multiclass", "regression")
# Before Keras is imported, here and in a package.
os.environ.setdefault("KERAS_BACKEND", "torch")

LIBRARIES = ("xgboost", "lightgbm", "catboost", "sklearn", "keras", "skorch")


def make_table(problem: str, rows: int = 300) -> pd.DataFrame:
    """Three features, of which the first two tell the label ``y``; their names are refused by some libraries."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(rows, 3)), columns=["size, in [m]", "<=5", "c"])
    score = frame["size, in [m]"] + frame["<=5"] / 2 + random.normal(size=rows) * 0.3
    if problem == "binary":
        label = np.where(score > 0, "yes", "no").astype(object)
    elif problem == "multiclass":
        label = np.digitize(score, [-0.5, 0.5]) + 1
    else:
        label = score.to_numpy()
    return frame.assign(y=label)


def build_network(X: Any, y: Any) -> Any:
    """What a Keras wrapper calls with the features and the labels as it gives them to the network."""
    import keras

    keras.utils.set_random_seed(0)
    is_regression = y.ndim == 1 or y.shape[1] == 1
    last = keras.layers.Dense(1) if is_regression else keras.layers.Dense(y.shape[1], activation="softmax")
    network = keras.Sequential([keras.Input((X.shape[1],)), keras.layers.Dense(16, activation="relu"), last])
    network.compile(optimizer=keras.optimizers.Adam(0.05), loss="mse" if is_regression else "categorical_crossentropy")
    return network


def build_module(outputs: int) -> Any:
    """What skorch makes its module with."""
    from torch import nn

    last = [nn.Softmax(dim=-1)] if outputs > 1 else []
    return nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, outputs), *last)


def build_net(problem: str) -> Any:
    """Makes a net of skorch, as someone who uses it would."""
    import skorch
    import torch

    torch.manual_seed(0)
    kind, outputs = {
        "binary": (skorch.NeuralNetBinaryClassifier, 1),
        "multiclass": (skorch.NeuralNetClassifier, 3),
        "regression": (skorch.NeuralNetRegressor, 1),
    }[problem]
    return kind(build_module, module__outputs=outputs, max_epochs=15, lr=0.05, optimizer=torch.optim.Adam, verbose=0)


def make_model(library: str, problem: str) -> tuple["str | Callable[..., Any]", dict[str, Any]]:
    """The reference and the arguments for a ``ModelConstructor``."""
    kind = "Regressor" if problem == "regression" else "Classifier"
    models: dict[str, tuple[str | Callable[..., Any], dict[str, Any]]] = {
        "xgboost": (f"xgboost:XGB{kind}", {"n_estimators": 20, "n_jobs": 1}),
        "lightgbm": (f"lightgbm:LGBM{kind}", {"n_estimators": 20, "n_jobs": 1, "verbose": -1}),
        "catboost": (
            f"catboost:CatBoost{kind}",
            {"iterations": 20, "thread_count": 1, "verbose": 0, "allow_writing_files": False},
        ),
        "sklearn": (f"sklearn.ensemble:HistGradientBoosting{kind}", {"max_iter": 20, "random_state": 0}),
        "keras": (
            f"keras.wrappers:SKLearn{kind}",
            {"model": build_network, "fit_kwargs": {"epochs": 15, "verbose": 0}},
        ),
        "skorch": (build_net, {"problem": problem}),
    }
    return models[library]
