"""Each library, each problem: trained, pickled and asked again."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.learner_libraries import require
from tests.learner_models import LIBRARIES, PROBLEMS, make_model, make_table
from tg.common import DatasetError, TaskDefinitionError
from tg.common.ml.single_frame_training import (
    DataFrameLoader,
    Evaluation,
    FoldSplitter,
    MetricPool,
    ModelConstructor,
    ModelProvider,
    SingleFrameTrainingTask,
    Validation,
)

EVALUATIONS = {
    "binary": (Evaluation.binary_classification, roc_auc_score, 0.94),
    "multiclass": (Evaluation.multiclass_classification, accuracy_score, 0.75),
    "regression": (Evaluation.regression, r2_score, 0.75),
}
# What each library calls what it measures while it learns.
CURVES = {
    "xgboost": {"binary": "logloss", "multiclass": "mlogloss", "regression": "rmse"},
    "lightgbm": {"binary": "binary_logloss", "multiclass": "multi_logloss", "regression": "l2"},
    "catboost": {"binary": "Logloss", "multiclass": "MultiClass", "regression": "RMSE"},
    "sklearn": dict.fromkeys(PROBLEMS, "loss"),
    "keras": dict.fromkeys(PROBLEMS, "loss"),
    "skorch": dict.fromkeys(PROBLEMS, "loss"),
}


@pytest.fixture(autouse=True)
def one_thread():
    """Threads of several tests at once wait for each other."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def make_task(library, problem, loader=None, **options):
    require(library)
    reference, arguments = make_model(library, problem)
    evaluator, metric, _ = EVALUATIONS[problem]
    return SingleFrameTrainingTask(
        loader or DataFrameLoader("y"),
        ModelProvider(ModelConstructor(reference, **arguments)),
        evaluator,
        metrics_pool=MetricPool().add_sklearn(metric, "score"),
        **options,
    )


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_library_and_problem(library, problem):
    table = make_table(problem)
    result = make_task(library, problem).run(table)
    assert EVALUATIONS[problem][2] < result["metrics"]["score_test"] <= 0.99
    model, features = result["runs"][0]["model"], table.drop(columns="y")
    predicted = model.predict(features)
    assert predicted.shape == (300,)
    for same in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert (same.predict(features) == predicted).all()
    if problem == "regression":
        assert np.corrcoef(predicted, table["y"])[0, 1] > 0.85
    else:
        expected = {"binary": ["no", "yes"], "multiclass": [1, 2, 3]}[problem]
        assert list(model.classes_) == expected
        assert set(predicted) == set(expected)
        assert (predicted == table["y"]).mean() > 0.8
    frame = result["runs"][0]["result_df"]
    if problem == "multiclass" and library != "keras":
        assert (frame[[f"predicted_{each}" for each in (1, 2, 3)]].idxmax(axis=1).str[-1].astype(int)
                == frame["predicted"]).all()  # fmt: skip


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_validation_is_a_curve_with_steps(library, problem, capsys):
    task = make_task(library, problem, validation=Validation(rounds=3))
    result = pickle.loads(pickle.dumps(task)).run(make_table(problem))
    name = f"validation_{CURVES[library][problem]}"
    lines = [line for line in capsys.readouterr().out.splitlines() if f"###{name}:" in line]
    values = [float(line.rpartition(":")[2]) for line in lines]
    assert 3 <= len(values) <= 21
    assert min(values) < values[0]
    # at the iteration that the model is left at, or as good
    assert values[int(result["metrics"]["best_iteration"])] == pytest.approx(min(values), abs=1e-4)
    assert result["metrics"]["score_test"] > EVALUATIONS[problem][2] - 0.06
    assert not hasattr(task.model_provider.constructor.kwargs.get("fit_kwargs", {}), "callbacks")
    pickle.loads(pickle.dumps(result["runs"][0]))


@pytest.mark.parametrize("library", ["xgboost", "catboost", "sklearn", "skorch", "keras"])
def test_a_validation_leaves_the_models_own_options(library):
    task = make_task(library, "binary", validation=Validation(rounds=2))
    before = task.model_provider.get_model()["model"].get_params()
    after = task.run(make_table("binary"))["runs"][0]["model"]["model"].get_params()
    names = ("callbacks", "early_stopping_rounds", "early_stopping", "n_iter_no_change", "train_split", "fit_kwargs")
    for name in names:
        assert repr(after.get(name)).partition(" object at")[0] == repr(before.get(name)).partition(" object at")[0]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([False, True], [False, True]),
        ([-1, 1], [-1, 1]),
        ([1.0, 2.0], [1.0, 2.0]),
        ([1, 2], [1, 2]),
        (["b", "a"], ["a", "b"]),
        ([0, 1], [0, 1]),
    ],
)
@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost", "skorch"])
def test_labels_of_all_kinds_come_back(library, labels, classes):
    table = make_table("regression")
    table["y"] = pd.Series(np.array(labels)[(table["y"] > 0).astype(int)])
    result = make_task(library, "binary").run(table)
    model = result["runs"][0]["model"]
    predicted = model.predict(table.drop(columns="y"))
    assert list(model.classes_) == classes
    assert (predicted == table["y"].to_numpy()).mean() > 0.8
    # the score is that of the greater class, in whatever order they come
    assert result["metrics"]["score_test"] > 0.94


@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost", "sklearn"])
def test_a_class_that_no_row_to_learn_from_has_is_never_predicted(library):
    table = make_table("multiclass")
    table.loc[0, "y"] = 9
    result = make_task(library, "multiclass", splitter=FoldSplitter(3)).run(table)
    learned = [9 in run["model"].classes_ for run in result["runs"].values()]
    assert sorted(learned) == [False, True, True]
    assert result["metrics"]["score_test"] > 0.7


@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost", "sklearn", "keras"])
def test_weights_are_learned_from_and_are_no_feature(library):
    table = make_table("regression").assign(y=lambda each: np.where(np.arange(300) % 2, 1.0, 3.0), w=1.0)
    even = make_task(library, "regression", DataFrameLoader("y", weight_column="w")).run(table)["runs"][0]["model"]
    table["w"] = np.where(np.arange(300) % 2, 99.0, 1.0)
    model = make_task(library, "regression", DataFrameLoader("y", weight_column="w")).run(table)["runs"][0]["model"]
    features = table[["size, in [m]", "<=5", "c"]]
    assert 1.5 < even.predict(features).mean() < 2.5
    assert model.predict(features).mean() < 1.5


@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost", "sklearn", "keras"])
def test_weights_and_a_validation(library):
    table = make_table("binary").assign(w=np.linspace(0, 1, 300))
    task = make_task(library, "binary", DataFrameLoader("y", weight_column="w"), validation=Validation(rounds=None))
    metrics = task.run(table)["metrics"]
    assert metrics["score_test"] > 0.93
    assert "best_iteration" not in metrics


def test_a_learner_that_takes_no_weights_says_so():
    task = make_task("skorch", "binary", DataFrameLoader("y", weight_column="w"))
    with pytest.raises(TaskDefinitionError, match=r"^the model NeuralNetBinaryClassifier hands sample_weight to its"):
        task.run(make_table("binary").assign(w=1.0))


def search(model):
    return GridSearchCV(model, {"max_depth": [2, 3]}, cv=2)


def calibration(model):
    return CalibratedClassifierCV(model, cv=2)


def vote(model):
    from lightgbm import LGBMClassifier

    other = LGBMClassifier(n_estimators=10, n_jobs=1, verbose=-1)
    return VotingClassifier([("one", model), ("other", other)], voting="soft")


def stack(model):
    return StackingClassifier([("one", model)], cv=2)


def pipeline(model):
    return make_pipeline(StandardScaler(), model)


@pytest.mark.parametrize("wrap", [search, calibration, vote, stack, pipeline])
def test_models_inside_others_get_what_they_take(wrap):
    require("xgboost")
    require("lightgbm")
    from xgboost import XGBClassifier

    table = make_table("binary").assign(w=1.0)
    task = SingleFrameTrainingTask(
        DataFrameLoader("y", weight_column="w"),
        ModelProvider(lambda: wrap(XGBClassifier(n_estimators=10, n_jobs=1))),
        Evaluation.binary_classification,
        metrics_pool=MetricPool().add_sklearn(roc_auc_score),
    )
    result = task.run(table)
    assert 0.92 < result["metrics"]["roc_auc_score_test"] < 0.99
    assert set(result["runs"][0]["model"].predict(table[["size, in [m]", "<=5", "c"]])) == {"no", "yes"}


@pytest.mark.parametrize("wrap", [search, calibration, vote, stack])
def test_models_inside_others_get_categories_if_all_take_them(wrap):
    require("xgboost")
    require("lightgbm")
    from xgboost import XGBClassifier

    city = np.random.default_rng(0).choice(["Bonn", "Lyon", "Rome"], 200)
    table = pd.DataFrame({"city": pd.Categorical(city), "y": np.where(city == "Lyon", "yes", "no")})
    provider = ModelProvider(lambda: wrap(XGBClassifier(n_estimators=10, n_jobs=1)))
    model = provider.get_model().fit(table[["city"]], table["y"])
    assert model.predict(pd.DataFrame({"city": ["Rome", "Lyon", "Oslo"]}))[:2].tolist() == ["no", "yes"]


def test_a_model_inside_that_takes_no_categories_says_so():
    require("xgboost")
    from xgboost import XGBClassifier

    def build():
        return VotingClassifier([("one", XGBClassifier(n_estimators=2)), ("other", LogisticRegression())])

    table = pd.DataFrame({"city": pd.Categorical(["Bonn", "Rome"] * 10), "y": [0, 1] * 10})
    message = r"^VotingClassifier cannot be fitted \(.*\); the columns 'city' are not numbers"
    with pytest.raises(DatasetError, match=message):
        ModelProvider(build).get_model().fit(table[["city"]], table["y"])


@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost", "sklearn"])
def test_truth_values_may_be_missing(library):
    require(library)
    reference, arguments = make_model(library, "binary")
    random = np.random.default_rng(0)
    truth = pd.array(random.choice([True, False], 300), dtype="boolean")
    table = pd.DataFrame({"a": random.normal(size=300), "b": truth})
    labels = np.where(truth, "yes", "no")
    table.loc[5, "b"] = pd.NA
    model = ModelProvider(ModelConstructor(reference, **arguments)).get_model().fit(table, labels)
    assert len(model.predict(table)) == 300
    assert model.score(table, labels) > 0.99
