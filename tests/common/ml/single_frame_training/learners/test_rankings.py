import numpy as np
import pandas as pd
import pytest

from tests.learner_libraries import require
from tg.common import DatasetError, TaskDefinitionError
from tg.common.ml.single_frame_training import (
    DataFrameLoader,
    Evaluation,
    FoldSplitter,
    GroupSplitter,
    MetricPool,
    ModelConstructor,
    ModelProvider,
    SingleFrameTrainingTask,
    Validation,
)

RANKERS = {
    "xgboost": ("xgboost:XGBRanker", {"n_estimators": 20, "n_jobs": 1}),
    "lightgbm": ("lightgbm:LGBMRanker", {"n_estimators": 20, "n_jobs": 1, "verbose": -1}),
    "catboost": ("catboost:CatBoostRanker", {"iterations": 20, "verbose": 0, "allow_writing_files": False}),
}


def correlation(true, predicted):
    return np.corrcoef(pd.Series(true).rank(), pd.Series(predicted).rank())[0, 1]


def make_table():
    """Forty queries of ten rows each, shuffled; ``x`` tells how relevant a row is."""
    random = np.random.default_rng(0)
    x = random.normal(size=400)
    relevance = np.clip(np.round(x * 1.2 + 1.5 + random.normal(size=400) * 0.4), 0, 4).astype(int)
    frame = pd.DataFrame({"x": x, "z": random.normal(size=400), "query": np.repeat(np.arange(40), 10), "y": relevance})
    return frame.sample(frac=1, random_state=0)


def make_task(model, splitter, **options):
    reference, arguments = model
    return SingleFrameTrainingTask(
        DataFrameLoader("y", group_column="query"),
        ModelProvider(ModelConstructor(reference, **arguments)),
        Evaluation.regression,
        splitter,
        MetricPool().add_sklearn(correlation),
        **options,
    )


@pytest.mark.parametrize("validation", [None, Validation(rounds=5)])
@pytest.mark.parametrize("library", list(RANKERS))
def test_rankers_learn_from_whole_groups(library, validation):
    require(library)
    result = make_task(RANKERS[library], GroupSplitter("query"), validation=validation).run(make_table())
    assert 0.8 < result["metrics"]["correlation_test"] < 0.95
    assert result["runs"][0]["model"].feature_names_in_.tolist() == ["x", "z"]


def test_a_split_that_cuts_groups_is_refused():
    require("xgboost")
    message = (
        r"^the group '\d+' of column 'query' has rows both in the training and in the stage 'test', as have \d+ "
        r"others; use GroupSplitter\('query'\)$"
    )
    with pytest.raises(DatasetError, match=message):
        make_task(RANKERS["xgboost"], FoldSplitter()).run(make_table())


@pytest.mark.parametrize("name", ["sklearn.linear_model:LinearRegression", "sklearn.svm:SVR"])
def test_what_is_no_ranker_refuses_groups(name):
    with pytest.raises(TaskDefinitionError, match=r"does not learn from groups; drop group_column, or use XGBRanker"):
        make_task((name, {}), GroupSplitter("query")).run(make_table())
