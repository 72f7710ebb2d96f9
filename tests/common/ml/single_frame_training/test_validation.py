import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from tests.learner_libraries import require
from tg.common import DatasetError, TaskDefinitionError
from tg.common.ml.single_frame_training import (
    DataFrameLoader,
    Evaluation,
    FoldSplitter,
    IdentitySplitter,
    ModelConstructor,
    ModelProvider,
    SingleFrameTrainingTask,
    Validation,
)

FRAME = pd.DataFrame({"time": pd.date_range("2024", periods=10)[::-1], "x": range(10), "gap": [None, *range(9)]})
ALL = np.arange(10)


def test_a_share_is_drawn_and_the_same_each_time():
    rest, held = Validation(share=0.3).divide(FRAME, ALL)
    assert len(held) == 3
    assert sorted([*rest, *held]) == list(range(10))
    assert Validation(share=0.3).divide(FRAME, ALL)[1].tolist() == held.tolist()
    assert Validation(share=0.3, seed=1).divide(FRAME, ALL)[1].tolist() != held.tolist()


def test_each_class_has_its_share_and_is_still_learned_from():
    classes = np.array(["a"] * 5 + ["b"] * 4 + ["c"], dtype=object)
    rest, held = Validation(share=0.4).divide(FRAME, ALL, classes)
    assert sorted(classes[held]) == ["a", "a", "b", "b"]
    assert set(classes[rest]) == {"a", "b", "c"}


def test_the_latest_rows():
    rest, held = Validation(share=0.2, latest_by="time").divide(FRAME, np.array([9, 1, 4, 6, 0]))
    assert held.tolist() == [0]
    assert rest.tolist() == [9, 1, 4, 6]


@given(st.lists(st.integers(0, 4), min_size=4, max_size=30).filter(lambda groups: len(set(groups)) > 1))
def test_groups_are_held_back_as_a_whole(groups):
    groups = np.array(sorted(groups))
    frame = pd.DataFrame({"t": np.arange(len(groups))})
    for latest_by in (None, "t"):
        rest, held = Validation(share=0.5, latest_by=latest_by).divide(frame, np.arange(len(groups)), None, groups)
        assert not set(groups[rest]) & set(groups[held])


@pytest.mark.parametrize("share", [0, 1, 1.5, -0.1, True, "0.2"])
def test_a_share_is_between_0_and_1(share):
    with pytest.raises(TaskDefinitionError, match=r"^the validation's share is .*; give a number between 0 and 1$"):
        Validation(share=share)


@pytest.mark.parametrize("rounds", [0, -1, 2.5, True])
def test_rounds_are_a_whole_number(rounds):
    with pytest.raises(TaskDefinitionError, match=r"^the validation's rounds are .*; give a whole number from 1, or"):
        Validation(rounds=rounds)
    validation = Validation()
    validation.rounds = rounds  # as a hyperparameter does
    with pytest.raises(TaskDefinitionError):
        validation.divide(FRAME, ALL)


def test_what_cannot_be_held_back():
    with pytest.raises(DatasetError, match=r"^of 2 rows to learn from, a share of 0.2 cannot be held back"):
        Validation().divide(FRAME, ALL[:2])
    with pytest.raises(DatasetError, match=r"^the validation's latest_by is 'when', which is not in the data"):
        Validation(latest_by="when").divide(FRAME, ALL)
    with pytest.raises(DatasetError, match=r"^column 'gap', by which .* has missing values in 1 of 10 rows"):
        Validation(latest_by="gap").divide(FRAME, ALL)
    with pytest.raises(DatasetError, match=r"^the classes 'b' are only in the rows held back for the validation"):
        Validation(latest_by="x").divide(FRAME, ALL, np.array(["a"] * 8 + ["b"] * 2))


def make_task(constructor, splitter=None, **options):
    return SingleFrameTrainingTask(
        DataFrameLoader("y"),
        ModelProvider(constructor, **options),
        Evaluation.regression,
        splitter,
        validation=Validation(share=0.25, rounds=2),
    )


@pytest.mark.parametrize("model", ["LogisticRegression", "SGDRegressor"])
def test_a_learner_that_cannot_be_watched_says_so(model):
    message = (
        rf"^the model {model} cannot be watched on a validation part; XGBoost, LightGBM, CatBoost, "
        r"HistGradientBoosting, Keras and skorch can. Drop `validation`"
    )
    with pytest.raises(TaskDefinitionError, match=message):
        make_task(ModelConstructor(f"sklearn.linear_model:{model}")).run(pd.DataFrame({"x": range(9), "y": range(9)}))


def test_the_transformer_learns_from_the_rest_and_changes_both():
    require("xgboost")
    frame = pd.DataFrame({"x": np.arange(100.0), "y": np.arange(100.0)})
    task = make_task(
        ModelConstructor("xgboost:XGBRegressor", n_estimators=30, n_jobs=1),
        IdentitySplitter(),
        transformer=StandardScaler(),
    )
    run = task.run(frame)["runs"][0]
    rest, _ = task.validation.divide(frame, np.arange(100))
    assert run["model"]["transformer"].mean_.tolist() == [pytest.approx(np.mean(rest))]
    assert len(rest) == 75
    # rows that were held back are the training part's all the same
    assert len(run["result_df"]) == len(run["train_split"]) == 100


def test_each_split_has_a_curve_of_its_own(capsys):
    require("lightgbm")
    frame = pd.DataFrame({"x": np.arange(400.0), "y": np.arange(400.0)})
    constructor = ModelConstructor("lightgbm:LGBMRegressor", n_estimators=4, verbose=-1, n_jobs=1)
    metrics = make_task(constructor, FoldSplitter(2)).run(frame)["metrics"]
    assert {"fold_0_validation_l2", "fold_1_validation_l2", "fold_best_iteration", "best_iteration"} <= set(metrics)
    assert metrics["best_iteration"] == 3.0
    assert capsys.readouterr().out.count("###fold_1_validation_l2:") == 4
