"""Weights of models whose library is given other names than people know the features by."""

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import FunctionTransformer

from tests.learner_libraries import require
from tests.learner_models import make_model, make_table
from tg.common.ml import dft
from tg.common.ml.single_frame_training import ModelConstructor, ModelProvider
from tg_mlflow.figures.weights import find_weights


@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost"])
def test_importances_are_of_the_original_names(library: str) -> None:
    require(library)
    reference, arguments = make_model(library, "regression")
    table = make_table("regression")
    features = table.drop(columns="y")
    model = ModelProvider(ModelConstructor(reference, **arguments)).get_model().fit(features, table["y"])
    weights = find_weights(model)
    assert weights is not None
    assert weights.frame["feature"].tolist() == ["size, in [m]", "<=5", "c"]
    assert weights.frame["importance"].idxmax() == 0


@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost"])
def test_importances_behind_the_default_transformer(library: str) -> None:
    require(library)
    reference, arguments = make_model(library, "regression")
    table = pd.DataFrame({"age": pd.cut(np.arange(90) % 60, [-1, 20, 60]).astype(str), "x": np.arange(90.0)})
    provider = ModelProvider(
        ModelConstructor(reference, **arguments), dft.DataFrameTransformerFactory.default_factory()
    )
    weights = find_weights(provider.get_model().fit(table, table["x"]))
    assert weights is not None
    assert sorted(weights.frame["feature"]) == ["age_(-1, 20]", "age_(20, 60]", "x"]


def test_importances_of_an_array_behind_a_transformer_without_names() -> None:
    require("xgboost")
    reference, arguments = make_model("xgboost", "regression")
    table = make_table("regression")
    provider = ModelProvider(ModelConstructor(reference, **arguments), FunctionTransformer(np.asarray))
    weights = find_weights(provider.get_model().fit(table.drop(columns="y"), table["y"]))
    assert weights is not None
    assert weights.frame["feature"].tolist() == ["size, in [m]", "<=5", "c"]
