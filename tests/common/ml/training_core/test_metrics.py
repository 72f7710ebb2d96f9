import math
import pickle

import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error, mean_squared_error, roc_auc_score

from tg.common import TaskDefinitionError
from tg.common.ml.training_core import Metric, MetricPool, SklearnMetric


class MeanAndMax(Metric):
    """Two numbers at once."""

    def get_names(self):
        return ["mean", "max"]

    def measure(self, result_df):
        return [result_df["predicted"].mean(), result_df["predicted"].max()]


class Given(Metric):
    def __init__(self, names, values=()):
        self.names = names
        self.values = values

    def get_names(self):
        return self.names

    def measure(self, result_df):
        return self.values


def signed_error(true, predicted):
    return float((predicted - true).mean())


@pytest.fixture
def result_df():
    """Two train rows, both right, and two test rows, one of them wrong at 0.5."""
    return pd.DataFrame(
        {
            "predicted": [0.9, 0.1, 0.4, 0.6],
            "true": [1.0, 0.0, 1.0, 1.0],
            "stage": ["train", "train", "test", "test"],
        }
    )


def test_names_are_metric_and_stage_with_test_before_train(result_df):
    pool = MetricPool().add_sklearn(mean_absolute_error).add_sklearn(mean_squared_error)
    names = [
        "mean_absolute_error_test",
        "mean_absolute_error_train",
        "mean_squared_error_test",
        "mean_squared_error_train",
    ]
    assert pool.get_metric_names() == names
    assert list(pool.measure(result_df)) == names


def test_values_are_those_of_each_stage_s_rows(result_df):
    values = MetricPool().add_sklearn(mean_absolute_error).measure(result_df)
    assert values == pytest.approx({"mean_absolute_error_test": 0.5, "mean_absolute_error_train": 0.1})
    assert [type(value) for value in values.values()] == [float, float]


def test_function_gets_truth_first(result_df):
    assert MetricPool().add_sklearn(signed_error).measure(result_df, ["test"]) == {"signed_error_test": -0.5}


def test_stages_are_those_asked_for_in_their_order(result_df):
    pool = MetricPool().add_sklearn(mean_absolute_error, "mae")
    assert pool.get_metric_names(["train", "validation"]) == ["mae_train", "mae_validation"]
    assert list(pool.measure(result_df, ["train", "test"])) == ["mae_train", "mae_test"]
    assert pool.get_metric_names([]) == []
    assert pool.measure(result_df, []) == {}


def test_threshold_makes_labels_of_scores(result_df):
    pool = MetricPool().add_sklearn(accuracy_score, threshold=0.5).add_sklearn(accuracy_score, "strict", 0.3)
    assert pool.measure(result_df) == {
        "accuracy_score_test": 0.5,
        "accuracy_score_train": 1.0,
        "strict_test": 1.0,
        "strict_train": 1.0,
    }


def test_threshold_zero_is_a_threshold():
    frame = pd.DataFrame({"predicted": [-1.0, 0.0, 2.0], "true": [0.0, 0.0, 1.0], "stage": "test"})
    assert MetricPool().add_sklearn(accuracy_score, threshold=0).measure(frame, ["test"]) == {
        "accuracy_score_test": 1.0
    }


def test_further_arguments_reach_the_function(result_df):
    pool = MetricPool().add_sklearn(accuracy_score, "count", 0.5, normalize=False)
    assert pool.measure(result_df) == {"count_test": 1.0, "count_train": 2.0}
    # of the test rows, one is called 0.0 and none is: that class has neither precision nor recall
    assert SklearnMetric(f1_score, threshold=0.5, kwargs={"pos_label": 0.0}).measure(result_df[2:]) == [0.0]
    assert SklearnMetric(f1_score, threshold=0.5).measure(result_df[2:]) == [pytest.approx(2 / 3)]


def test_labels_may_be_text():
    frame = pd.DataFrame({"predicted": ["a", "b"], "true": ["a", "a"], "stage": "test"})
    assert MetricPool().add_sklearn(accuracy_score).measure(frame, ["test"]) == {"accuracy_score_test": 0.5}


def test_several_names_in_one_metric(result_df):
    pool = MetricPool().add_sklearn(mean_absolute_error, "mae").add(MeanAndMax())
    names = ["mae_test", "mae_train", "mean_test", "mean_train", "max_test", "max_train"]
    assert pool.get_metric_names() == names
    values = pool.measure(result_df)
    assert list(values) == names
    assert values["mean_test"] == values["mean_train"] == 0.5
    assert (values["max_test"], values["max_train"]) == (0.6, 0.9)


def test_a_name_comes_from_the_function_or_its_class():
    class Error:
        def __call__(self, true, predicted):
            return 0.0

    assert SklearnMetric(roc_auc_score).get_names() == ["roc_auc_score"]
    assert SklearnMetric(Error()).get_names() == ["Error"]
    assert SklearnMetric(roc_auc_score, "auc").get_names() == ["auc"]


@pytest.mark.filterwarnings("ignore:Only one class is present")
def test_an_undefined_value_is_a_value(result_df):
    values = MetricPool().add_sklearn(roc_auc_score).measure(result_df)
    assert math.isnan(values["roc_auc_score_test"])
    assert values["roc_auc_score_train"] == 1.0


def test_an_empty_pool_measures_nothing(result_df):
    assert MetricPool().get_metric_names() == []
    assert MetricPool().measure(result_df) == {}


def test_a_pool_is_pickled_with_its_functions(result_df):
    pool = MetricPool().add_sklearn(accuracy_score, "count", 0.5, normalize=False)
    assert pickle.loads(pickle.dumps(pool)).measure(result_df) == {"count_test": 1.0, "count_train": 2.0}


# --- errors


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        (SklearnMetric(accuracy_score), SklearnMetric(accuracy_score), "accuracy_score"),
        (MeanAndMax(), SklearnMetric(signed_error, "max"), "max"),
        (SklearnMetric(signed_error, "mean"), MeanAndMax(), "mean"),
    ],
)
def test_a_name_can_be_taken_once(first, second, name):
    pool = MetricPool().add(first)
    with pytest.raises(
        TaskDefinitionError, match=rf"^metric '{name}' is there already; give the second one another name$"
    ):
        pool.add(second)
    assert pool.metrics == [first]


def test_a_metric_must_not_have_one_name_twice():
    with pytest.raises(TaskDefinitionError, match="metric 'a' is there already"):
        MetricPool().add(Given(["a", "a"]))


def test_add_takes_metrics_only():
    with pytest.raises(TaskDefinitionError, match=r"^<function accuracy_score at .*> is not a Metric; .* add_sklearn$"):
        MetricPool().add(accuracy_score)


def test_add_sklearn_takes_functions_only():
    with pytest.raises(
        TaskDefinitionError, match=r"^metric 'roc_auc' is not a function \(true, predicted\) -> number$"
    ):
        MetricPool().add_sklearn("roc_auc")


def test_labels_metric_on_scores_gives_the_remedy(result_df):
    message = (
        r"^metric 'accuracy_score' cannot be computed: Classification metrics can't handle a mix of binary and "
        r"continuous targets; for labels of a binary classification give threshold=0\.5$"
    )
    with pytest.raises(TaskDefinitionError, match=message):
        MetricPool().add_sklearn(accuracy_score).measure(result_df)


@pytest.mark.parametrize("error_type", [ValueError, TypeError])
def test_a_metric_that_fails_is_one_line(result_df, error_type):
    def failing(true, predicted):
        raise error_type("first\n  second")

    with pytest.raises(TaskDefinitionError) as caught:
        MetricPool().add_sklearn(failing, threshold=0.5).measure(result_df)
    assert str(caught.value) == "metric 'failing' cannot be computed: first second"


def test_wrong_arguments_and_wrong_results_are_named(result_df):
    with pytest.raises(TaskDefinitionError, match=r"metric 'accuracy_score' cannot be computed: .*'weights'"):
        MetricPool().add_sklearn(accuracy_score, threshold=0.5, weights=1).measure(result_df)
    with pytest.raises(TaskDefinitionError, match=r"metric 'f1_score' cannot be computed: only .*scalar"):
        MetricPool().add_sklearn(f1_score, threshold=0.5, average=None).measure(result_df, ["train"])


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0, 3.0], []])
def test_as_many_values_as_names(result_df, values):
    message = rf"^Given gave {len(values)} values for its names 'a', 'b'; give one value a name$"
    with pytest.raises(TaskDefinitionError, match=message):
        MetricPool().add(Given(["a", "b"], values)).measure(result_df)
