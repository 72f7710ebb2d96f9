"""The model of a library, as MLflow's own module for the library loads it."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.models import Model

from tests.learner_libraries import require
from tests.learner_models import make_model, make_table
from tg.common.ml import single_frame_training as sft
from tg_mlflow.results.model_flavors import write_flavors

PROPERTIES = {"module_name": "Points__0", "modules": ["tasks", "tests"], "library_versions": {"scikit-learn": "1.6.1"}}
TABLE = make_table("binary", 60)
FEATURES = TABLE.drop(columns="y")
# The flavor, its module in MLflow, and what it loads.
LIBRARIES = {
    "xgboost": ("xgboost", "XGBClassifier"),
    "lightgbm": ("lightgbm", "LGBMClassifier"),
    "catboost": ("catboost", "CatBoostClassifier"),
    "skorch": ("pytorch", "Sequential"),
}


def fit(constructor: Any) -> Any:
    return sft.ModelProvider(constructor).get_model().fit(FEATURES, TABLE["y"])


def save(model: Any, folder: Path) -> Model:
    folder.mkdir(exist_ok=True)
    description = Model()
    for name, settings in write_flavors(model, PROPERTIES, folder).items():
        description.add_flavor(name, **settings)
    description.save(str(folder / "MLmodel"))
    return description


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_last_step_has_the_flavor_of_its_library(library: str, tmp_path: Path) -> None:
    require(library)
    reference, arguments = make_model(library, "binary")
    model = fit(sft.ModelConstructor(reference, **arguments))
    flavor, kind = LIBRARIES[library]
    assert list(save(model, tmp_path).flavors) == ["sklearn", flavor]
    loaded = importlib.import_module(f"mlflow.{flavor}").load_model(tmp_path)
    assert type(loaded).__name__ == kind
    features = model[:-1].transform(FEATURES)
    if flavor == "pytorch":
        scores = 1 / (1 + np.exp(-loaded(importlib.import_module("torch").as_tensor(features)).detach().numpy()))
        np.testing.assert_allclose(scores.ravel(), model.predict_proba(FEATURES)[:, 1], rtol=1e-5)
    else:
        np.testing.assert_array_equal(loaded.predict_proba(features), model.predict_proba(FEATURES))


def test_the_pipeline_is_that_of_scikit_learn_from_the_pickle_that_there_is(tmp_path: Path) -> None:
    model = fit(sft.ModelConstructor("sklearn.linear_model:LogisticRegression"))
    assert save(model, tmp_path).flavors == {
        "sklearn": {
            "pickled_model": "data/model.pkl",
            "sklearn_version": "1.6.1",
            "serialization_format": "cloudpickle",
            "code": "code",
        }
    }
    assert [path.name for path in tmp_path.iterdir()] == ["MLmodel"]


class Forest:
    """Stands for a class of a project that derives from a library's."""


def own_objective(true: Any, predicted: Any) -> tuple[Any, Any]:
    return predicted - true, np.ones(len(true))


def test_what_needs_the_project_has_no_flavor_of_its_library(tmp_path: Path) -> None:
    require("lightgbm")
    lightgbm = importlib.import_module("lightgbm")
    own_class = type("OwnForest", (Forest, lightgbm.LGBMClassifier), {"__module__": __name__})
    given = {"n_estimators": 2, "n_jobs": 1, "verbose": -1}
    for number, model in enumerate([own_class(**given), lightgbm.LGBMClassifier(objective=own_objective, **given)]):
        assert list(save(fit(lambda model=model: model), tmp_path / str(number)).flavors) == ["sklearn"]


def test_what_is_no_estimator_has_no_flavor(tmp_path: Path) -> None:
    assert write_flavors(Forest(), PROPERTIES, tmp_path) == {}
