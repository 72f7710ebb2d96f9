import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from tests.learner_libraries import require
from tg.common import DatasetError, TaskDefinitionError
from tg.common.ml.single_frame_training import (
    DataFrameLoader,
    Evaluation,
    FoldSplitter,
    MetricPool,
    ModelConstructor,
    ModelProvider,
    SingleFrameTrainingTask,
)
from tg.common.ml.single_frame_training.native_categories import NativeCategories

MODELS = {
    "xgboost": ("xgboost:XGBClassifier", {"n_estimators": 20}),
    "lightgbm": ("lightgbm:LGBMClassifier", {"n_estimators": 20, "verbose": -1}),
    "catboost": ("catboost:CatBoostClassifier", {"iterations": 20, "verbose": 0, "allow_writing_files": False}),
    "sklearn": ("sklearn.ensemble:HistGradientBoostingClassifier", {"max_iter": 20}),
}


def make_table(kind="category"):
    """Rome is left three times as often; Oslo stands in one row only, and one place is missing."""
    random = np.random.default_rng(0)
    city = random.choice(["Bonn", "Lyon", "Rome"], 400).astype(object)
    y = (random.normal(size=400) + 2 * (city == "Rome") > 1).astype(int)
    city[17], city[3] = "Oslo", None
    size = pd.Series(random.choice([1, 2, 5], 400))
    frame = pd.DataFrame({"city": city, "size": size, "y": y})
    types = {"category": {"city": "category", "size": "category"}, "text": {}, "string": {"city": "string"}}[kind]
    return frame.astype(types)


def make_task(library, folds=3, **options):
    require(library)
    reference, arguments = MODELS[library]
    return SingleFrameTrainingTask(
        DataFrameLoader("y"),
        ModelProvider(ModelConstructor(reference, **arguments), **options),
        Evaluation.binary_classification,
        FoldSplitter(folds),
        MetricPool().add_sklearn(roc_auc_score),
    )


@pytest.mark.parametrize("library", list(MODELS))
@pytest.mark.parametrize(("kind", "categorical"), [("category", None), ("text", "native"), ("string", "native")])
def test_categories_are_learned_as_they_are(library, kind, categorical):
    table = make_table(kind)
    result = make_task(library, categorical=categorical).run(table)
    assert 0.8 < result["metrics"]["roc_auc_score_test"] < 0.93
    model = pickle.loads(pickle.dumps(result["runs"][0]["model"]))
    rows = pd.DataFrame({"city": ["Rome", "Bonn", "Paris", None], "size": [1, 1, 7, None]})
    rows = rows.astype("category" if kind == "category" else {"size": float})
    predicted = model.predict(rows)
    assert predicted[:2].tolist() == [1, 0]
    assert predicted.shape == (4,)


@pytest.mark.parametrize("library", list(MODELS))
def test_text_needs_a_transformer(library):
    message = (
        r"^\w+Classifier cannot be fitted \(.*\); the columns 'city' are not numbers: give ModelProvider a "
        r"transformer, such as DataFrameTransformerFactory.default_factory\(\), exclude them, or, .* "
        r"set categorical='native'$"
    )
    with pytest.raises(DatasetError, match=message) as caught:
        make_task(library).run(make_table("text"))
    assert "\n" not in str(caught.value)


def test_a_category_without_values_is_named():
    table = make_table()
    table["empty"] = pd.Series([None] * len(table)).astype("category")
    message = r"^XGBClassifier cannot be fitted \(.*\); the columns 'empty' have no values in the rows"
    with pytest.raises(DatasetError, match=message):
        make_task("xgboost").run(table)


@pytest.mark.parametrize("kind", ["category", "text"])
def test_a_learner_that_takes_no_categories_says_so(kind):
    provider = ModelProvider(LogisticRegression)
    table = make_table(kind).dropna()
    with pytest.raises(DatasetError, match=r"^LogisticRegression cannot be fitted \(could not convert .*'city'"):
        provider.get_model().fit(table[["city", "size"]], table["y"])
    message = r"^categorical is 'native', but LogisticRegression takes none; give a transformer, or use XGBoost, "
    with pytest.raises(TaskDefinitionError, match=message):
        ModelProvider(LogisticRegression, categorical="native").get_model()


def test_a_model_that_makes_numbers_of_text_by_itself_may():
    def build():
        encoder = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["city"]), remainder="passthrough")
        return make_pipeline(encoder, LogisticRegression())

    table = make_table("text")
    model = ModelProvider(build).get_model().fit(table[["city", "size"]], table["y"])
    assert model.score(table[["city", "size"]], table["y"]) > 0.7


def test_categorical_is_one_word():
    with pytest.raises(TaskDefinitionError, match=r"^categorical is 'onehot'; give 'native', or leave it out$"):
        ModelProvider(LogisticRegression, categorical="onehot")


def test_categories_are_those_of_the_fit():
    step = NativeCategories().fit(pd.DataFrame({"c": pd.Categorical(["b", "a"]), "x": [1, 2]}))
    other = step.transform(pd.DataFrame({"c": pd.Categorical(["c", "b"]), "x": [1, 2]}))
    assert other["c"].cat.categories.tolist() == ["a", "b"]
    assert other["c"].isna().tolist() == [True, False]
    assert step.transform(pd.DataFrame({"c": ["a", "z"], "x": [1, 2]}))["c"].cat.codes.tolist() == [0, -1]


def test_categories_as_text():
    frame = pd.DataFrame({"c": pd.Categorical([2, None, 1])}, index=[5, 5, 6])
    made = NativeCategories(as_text=True).fit(frame).transform(frame)["c"]
    assert made.astype(object).tolist() == ["2", "nan", "1"]
    assert made.index.tolist() == [5, 5, 6]


CATEGORIES = {
    "truth values": [False, True],
    "floats": [0.5, 2.0, 2.5],
    "times": list(pd.date_range("2024-03-31", periods=3)),
    "zoned times": list(pd.date_range("2024-03-31", periods=3, tz="Europe/Berlin")),
    "durations": list(pd.to_timedelta([1, 2, 3], unit="h")),
    "nullable truth values": pd.array([False, True], dtype="boolean"),
    "nullable whole numbers": pd.array([7, 8, 9], dtype="Int64"),
}


@pytest.mark.parametrize("kind", CATEGORIES)
@pytest.mark.parametrize("library", list(MODELS))
def test_categories_of_all_types(library, kind):
    codes = np.random.default_rng(0).integers(0, len(CATEGORIES[kind]), 200)
    values = pd.Series(CATEGORIES[kind]).iloc[codes].reset_index(drop=True)
    table = pd.DataFrame({"k": values.astype("category"), "y": codes == 1})
    result = make_task(library, folds=1).run(table)
    assert result["metrics"]["roc_auc_score_test"] == 1.0
    # the values themselves, of which the model makes its categories
    model = result["runs"][0]["model"]
    assert model.predict(pd.DataFrame({"k": values[:20]})).tolist() == (codes[:20] == 1).tolist()


def test_categories_are_whole_numbers_or_text():
    frame = pd.DataFrame({"i": [3, 1], "f": [2.5, 0.5], "t": ["b", "a"]}).astype("category")
    made = NativeCategories().fit(frame).transform(frame)
    assert [made[name].cat.categories.tolist() for name in frame] == [[1, 3], ["0.5", "2.5"], ["a", "b"]]
    assert made["f"].cat.codes.tolist() == [1, 0]
