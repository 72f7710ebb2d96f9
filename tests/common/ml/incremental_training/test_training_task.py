"""Trainings on batches: what they learn, measure and leave, and that an interruption changes nothing."""

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, log_loss, r2_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

from tg.common import DatasetError, TaskDefinitionError
from tg.common.ml import dft
from tg.common.ml.incremental_training import EarlyStopping, HashSplit, IncrementalTrainingTask
from tg.common.ml.single_frame_training import (
    Artificier,
    DataFrameLoader,
    Evaluation,
    MetricPool,
    ModelConstructor,
    ModelProvider,
)
from tg.common.ml.training_core import Checkpoint, InMemoryTrainingEnvironment

ROWS = 3000


class Stopped(BaseException):
    """The job has been ended."""


class FakeEnvironment(InMemoryTrainingEnvironment):
    """Keeps checkpoints in memory, as bytes, and ends the training at one.

    Args:
        checkpoint: That of an earlier start.
        asked_at: The batches before which the job is asked to stop; it is asked no sooner than that.
    """

    def __init__(self, checkpoint: Checkpoint | None = None, asked_at: int | None = None) -> None:
        super().__init__()
        self.given = checkpoint
        self.kept: list[tuple[int, bytes]] = []
        self.points: list[tuple[str, float, int | None]] = []
        self.progress: list[tuple[int, int, str]] = []
        self.messages: list[str] = []
        self._asked_at = asked_at
        self._asked = 0

    @property
    def is_stopping(self) -> bool:
        self._asked += 1
        return self._asked == self._asked_at

    def save_checkpoint(self, state: Any, step: int) -> None:
        self.kept.append((step, pickle.dumps(state)))
        if self._asked == self._asked_at:
            raise Stopped

    def latest_checkpoint(self) -> Checkpoint | None:
        return self.given

    def reopen(self, asked_at: int | None = None) -> "FakeEnvironment":
        """The environment of the next start, which has the last checkpoint."""
        step, state = self.kept[-1]
        return FakeEnvironment(Checkpoint(step, pickle.loads(state)), asked_at)

    def log(self, message: object) -> None:
        self.messages.append(str(message))

    def _write_metric(self, name: str, value: float, step: int | None) -> None:
        self.points.append((name, value, step))

    def _write_progress(self, done: int, of: int, unit: str) -> None:
        self.progress.append((done, of, unit))


def make_frame(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Numbers, some of them missing, and text; two in three labels can be told."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": random.normal(5, 3, rows), "b": random.integers(0, 9, rows).astype(float)})
    frame["c"] = np.array(["x", "y", "z"])[random.integers(0, 3, rows)]
    score = frame["a"] - 5 + 0.3 * frame["b"] + 2 * (frame["c"] == "x") + random.normal(0, 1, rows)
    frame.loc[random.random(rows) < 0.05, "b"] = np.nan
    frame["weight"] = random.integers(1, 3, rows)
    frame["user"] = random.integers(0, 1000, rows)
    frame["y"] = np.where(score > 1.5, "yes", "no")
    return frame


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files, in row groups of 400."""
    path = tmp_path_factory.mktemp("data")
    frame = make_frame()
    frame[:1700].to_parquet(path / "part-0.parquet", row_group_size=400)
    frame[1700:].to_parquet(path / "part-1.parquet", row_group_size=400)
    return path


def build_task(reference: Any = SGDClassifier, arguments: Any = None, **options: Any) -> IncrementalTrainingTask:
    given = {"loss": "log_loss", "random_state": None} if arguments is None else arguments
    options = {
        "split": HashSplit("user", 0.2),
        "metrics_pool": MetricPool().add_sklearn(roc_auc_score),
        "data_loader": DataFrameLoader("y", features=["a", "b", "c"]),
        "evaluator": Evaluation.binary_classification,
        "batch_size": 60,
        "window_rows": 500,
        "evaluate_every": 7,
        "checkpoint_seconds": 1e9,
        **options,
    }
    provider = ModelProvider(
        ModelConstructor(reference, **given),
        transformer=dft.DataFrameTransformerFactory.default_factory(),
        keep_column_names=False,
    )
    return IncrementalTrainingTask(model_provider=provider, **options)


def train(task: IncrementalTrainingTask, data: Any, environment: FakeEnvironment | None = None) -> FakeEnvironment:
    environment = environment or FakeEnvironment()
    task.run_with_environment(data, environment)
    return environment


def test_it_learns_from_the_rows_that_are_not_tested(folder: Path) -> None:
    environment = train(build_task(epochs=3), folder)
    run = environment.result["runs"][0]
    tested = HashSplit("user", 0.2).find_tested(pa.table({"user": make_frame()["user"]}), np.arange(ROWS))
    assert tested.sum() == 613
    assert run["info"] == {"run": 0, "rows": 3 * (ROWS - 613), "batches": 126}
    assert run["result_df"].index[run["result_df"]["stage"] == "test"].tolist() == np.flatnonzero(tested).tolist()
    assert set(run["result_df"].index[run["result_df"]["stage"] == "train"]) == set(np.flatnonzero(~tested))
    assert set(run) == {"result_df", "metrics", "info", "model", "training_task", "history"}
    assert run["metrics"]["roc_auc_score_test"] > 0.95
    # the model predicts from rows as they are in the files
    raw = make_frame(500, seed=1)
    assert (run["model"].predict(raw[["a", "b", "c"]]) == raw["y"]).mean() > 0.8


def test_it_says_if_it_found_few_rows_to_test_on(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(4000.0), "y": ["no", "yes"] * 2000})
    frame["user"] = (frame["a"] % 1000 < 2).astype(int)
    frame.to_parquet(tmp_path / "data.parquet", row_group_size=1000)
    split = HashSplit("user", 0.5, seed=0)
    assert split.find_tested(pa.table({"user": [0, 1]}), np.arange(2)).tolist() == [False, True]
    options = {"data_loader": DataFrameLoader("y", exclude=["user"]), "split": split, "sample_rows": 10}
    assert train(build_task(evaluation_rows=10, **options), tmp_path).messages == [
        "Tests on 4 rows: the 2000 rows that were read to find 10 have no more"
    ]


def test_metrics_have_the_rows_learned_from_as_step(folder: Path) -> None:
    task = build_task()
    environment = train(task, folder)
    history = environment.result["runs"][0]["history"]
    assert task.get_metric_names() == ["roc_auc_score_test", "roc_auc_score_train"]
    assert list(history.columns) == ["step", *task.get_metric_names()]
    assert len(history) == 6
    assert history["step"].iloc[-1] == 2387
    assert environment.points == [
        (name, row[name], row["step"]) for row in history.to_dict("records") for name in task.get_metric_names()
    ]
    assert environment.progress[:2] == [(0, 3000, "row"), (500, 3000, "row")]
    assert environment.progress[-1] == (3000, 3000, "row")


def test_it_is_what_a_loop_by_hand_learns(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(3, 2, (900, 3)), columns=["a", "b", "c"])
    frame["y"] = (frame["a"] > 3).astype(int)
    frame.to_parquet(tmp_path / "data.parquet", row_group_size=300)
    task = build_task(
        data_loader=DataFrameLoader("y"), split=HashSplit(test_share=0), shuffle=False, window_rows=300, batch_size=100
    )
    model = train(task, tmp_path / "data.parquet").result["runs"][0]["model"]
    scaler, by_hand = StandardScaler().fit(frame[["a", "b", "c"]]), SGDClassifier(loss="log_loss", random_state=0)
    for start in range(0, 900, 100):
        rows = frame[start : start + 100]
        by_hand.partial_fit(scaler.transform(rows[["a", "b", "c"]]), rows["y"], classes=[0, 1])
    np.testing.assert_allclose(model.steps[-1][1].coef_, by_hand.coef_, rtol=1e-12)


MODELS = {
    "linear": (SGDClassifier, {"loss": "log_loss", "average": True}),
    "network": ("sklearn.neural_network:MLPClassifier", {"hidden_layer_sizes": [4]}),
}


@pytest.mark.parametrize("name", MODELS)
def test_ten_interruptions_at_any_batch_change_nothing(folder: Path, name: str) -> None:
    stopping = EarlyStopping("roc_auc_score_test", "max", patience=30)
    task = build_task(*MODELS[name], epochs=3, early_stopping=stopping)
    whole = train(task, folder)
    # the batches of each start
    random = np.random.default_rng(5)
    lengths = random.multinomial(115, [0.1] * 10).tolist()
    assert min(lengths) > 0
    environment, points = FakeEnvironment(asked_at=lengths[0]), []
    for length in [*lengths[1:], None]:
        with pytest.raises(Stopped):
            train(task, folder, environment)
        points += environment.points
        environment = environment.reopen(length)
    train(task, folder, environment)
    points += environment.points
    assert points == whole.points
    one, other = whole.result["runs"][0], environment.result["runs"][0]
    pd.testing.assert_frame_equal(one["history"], other["history"], check_exact=True)
    pd.testing.assert_frame_equal(one["result_df"], other["result_df"], check_exact=True)
    assert one["info"] == other["info"] == {"run": 0, "rows": 7161, "batches": 126}
    weights, others = (each["model"].steps[-1][1] for each in (one, other))
    if name == "linear":
        assert weights.coef_.tolist() == others.coef_.tolist()
    else:
        assert [each.tolist() for each in weights.coefs_] == [each.tolist() for each in others.coefs_]
        assert [point[0] for point in points[:3]] == ["loss", "roc_auc_score_test", "roc_auc_score_train"]


def test_the_seed_determines_what_is_learned(folder: Path) -> None:
    def learn(seed: int) -> list[float]:
        return train(build_task(seed=seed), folder).result["runs"][0]["model"].steps[-1][1].coef_.ravel().tolist()

    assert learn(1) == learn(1)
    assert learn(1) != learn(2)


def test_checkpoints_are_kept_every_so_many_batches_or_seconds(folder: Path) -> None:
    environment = train(build_task(checkpoint_every=20), folder)
    assert len(environment.kept) == 2
    assert [pickle.loads(state).batches for _, state in environment.kept] == [20, 40]
    assert [step for step, _ in environment.kept] == [pickle.loads(state).rows for _, state in environment.kept]
    assert (
        len(train(build_task(checkpoint_seconds=1e-9), folder).kept) == environment.result["runs"][0]["info"]["batches"]
    )


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"window_rows": 400}, "window_rows 500, and this one has 400"),
        ({"seed": 1}, "seed 0, and this one has 1"),
        ({"data_loader": DataFrameLoader("y", ["a"])}, r"features \['a', 'b', 'c'\], and this one has \['a'\]"),
        ({"split": HashSplit("user", 0.3)}, r"split.test_share 0\.2, and this one has 0\.3"),
        ({"arguments": {"loss": "log_loss", "alpha": 1.0}}, r"model\.alpha 0\.0001, and this one has 1\.0"),
        ({"classes": ["no", "yes"]}, r"classes None, and this one has \['no', 'yes'\]"),
        ({"sample_rows": 9}, "sample_rows 50000, and this one has 9"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(folder: Path, changed: dict[str, Any], what: str) -> None:
    kept = train(build_task(checkpoint_every=20), folder)
    with pytest.raises(
        DatasetError, match=rf"the checkpoint at step \d+ is of a training with {what}, so it cannot go"
    ):
        train(build_task(**changed), folder, kept.reopen())
    # it may take longer, and be measured in other ways
    arguments = {"loss": "log_loss", "n_jobs": 2, "verbose": False}
    more = train(
        build_task(arguments=arguments, epochs=2, evaluate_every=20, evaluation_rows=90), folder, kept.reopen()
    )
    assert more.result["runs"][0]["info"]["rows"] == 2 * 2387


def test_a_checkpoint_of_other_data_is_refused(folder: Path, tmp_path: Path) -> None:
    environment = train(build_task(checkpoint_every=20), folder)
    with pytest.raises(
        DatasetError, match=r"the checkpoint at step \d+ is of a training with rows 3000, and this one has 17"
    ):
        train(build_task(), folder / "part-0.parquet", environment.reopen())
    for number in (0, 1):
        rows = pq.read_table(folder / f"part-{number}.parquet").to_pandas()
        rows["y"] = np.where(rows["y"] == "yes", "no", "yes")
        rows.to_parquet(tmp_path / f"part-{number}.parquet", row_group_size=400)
    with pytest.raises(
        DatasetError, match=r"of a training with data with the digest '\w{16}', and this one has '\w{16}'"
    ):
        train(build_task(), tmp_path, environment.reopen())
    with pytest.raises(
        DatasetError, match="the checkpoint at step 3 is not one of a training on batches, but a dict; train"
    ):
        train(build_task(), folder, FakeEnvironment(Checkpoint(3, {})))


def test_early_stopping_keeps_the_best_model(folder: Path) -> None:
    task = build_task(epochs=50, early_stopping=EarlyStopping("roc_auc_score_test", "max", patience=3))
    environment = train(task, folder)
    history, run = environment.result["runs"][0]["history"]["roc_auc_score_test"], environment.result["runs"][0]
    assert len(history) < 50
    assert history.idxmax() == len(history) - 4
    assert run["metrics"]["roc_auc_score_test"] == history.max()
    # the run's last value is that of its model
    assert environment.points[-2:] == [
        (name, run["metrics"][name], run["info"]["rows"]) for name in ("roc_auc_score_test", "roc_auc_score_train")
    ]
    best = f"{history.max():.6g}"
    assert environment.messages == [
        f"The training ends after {run['info']['rows']} rows: roc_auc_score_test was best at {best}, 3 evaluations ago"
    ]


def test_early_stopping_may_look_at_the_loss(folder: Path) -> None:
    stopping = EarlyStopping("loss", "min")
    run = train(build_task(*MODELS["network"], early_stopping=stopping), folder).result["runs"][0]
    assert len(run["history"]["loss"].dropna()) == 6
    with pytest.raises(
        TaskDefinitionError, match="early stopping looks at 'loss', and the model SGDClassifier has no loss_; give"
    ):
        train(build_task(early_stopping=stopping), folder)


def test_a_training_that_goes_on_forgets_the_best_model_of_another_metric(folder: Path) -> None:
    task = build_task(checkpoint_every=30, early_stopping=EarlyStopping("roc_auc_score_test", "min", patience=90))
    state = train(task, folder).reopen().given
    assert state is not None
    assert state.state.judged_by == ("roc_auc_score_test", "min")
    assert state.state.best_value == min(each["roc_auc_score_test"] for each in state.state.history)
    plain = train(build_task(), folder, FakeEnvironment(state)).result["runs"][0]
    assert state.state.best is None
    assert plain["metrics"]["roc_auc_score_test"] == plain["history"]["roc_auc_score_test"].iloc[-1]


def test_a_time_limit_ends_a_training(folder: Path) -> None:
    environment = train(build_task(max_seconds=1e-9), folder)
    assert environment.result["runs"][0]["info"]["batches"] == 1
    assert len(environment.result["runs"][0]["history"]) == 1
    assert re.fullmatch(
        r"The training ends after \d\d rows: it has taken 1e-09 seconds, which is max_seconds", environment.messages[-1]
    )


class Counter(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """An estimator of our own: adds up weights by class."""

    def fit(self, X: Any, y: Any) -> "Counter":
        raise AssertionError("not called")

    def partial_fit(self, X: Any, y: Any, sample_weight: Any) -> "Counter":
        self.sums_ = getattr(self, "sums_", {"no": 0, "yes": 0})
        for label in self.sums_:
            self.sums_[label] += int(sample_weight[y == label].sum())
        self.classes_ = np.array(["no", "yes"])
        self.loss_ = len(y) / 100
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), max(self.sums_, key=self.sums_.__getitem__), dtype=object)


class Unweighted(Counter):
    def partial_fit(self, X: Any, y: Any) -> "Unweighted":  # type: ignore[override]
        raise AssertionError("not called")


class Doubling(Artificier):
    def run_before_metrics(self, result: Any) -> None:
        result.result_df = pd.concat([result.result_df, result.result_df])

    def run_before_storage(self, result: Any) -> None:
        result.artifacts["lines"] = len(result.result_df)


def test_any_estimator_learns_by_weight_and_its_loss_is_reported(folder: Path) -> None:
    task = build_task(
        Counter,
        {},
        data_loader=DataFrameLoader("y", features=["a", "b", "c"], weight_column="weight"),
        evaluator=Evaluation.multiclass_classification,
        metrics_pool=MetricPool().add_sklearn(accuracy_score).add_sklearn(len_of),
        artificiers=[Doubling()],
        split=HashSplit("user", 0.2),
        evaluation_rows=100,
    )
    environment = train(task, folder)
    frame = make_frame()
    learned = frame[~HashSplit("user", 0.2).find_tested(pa.table({"user": frame["user"]}), np.arange(ROWS))]
    run = environment.result["runs"][0]
    assert run["model"].steps[-1][1].sums_ == learned.groupby("y")["weight"].sum().to_dict()
    assert run["lines"] == 400
    assert run["metrics"]["len_of_test"] == 200
    # batches of 50 to 60 rows
    assert all(0.5 <= loss <= 0.6 for loss in run["history"]["loss"])


def len_of(true: Any, predicted: Any) -> float:
    return float(len(true))


def test_numbers_are_learned(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=2000), "b": random.normal(size=2000)})
    (2 * frame["a"] - frame["b"]).rename("y").to_frame().join(frame).to_parquet(tmp_path / "data.parquet")
    task = build_task(
        "sklearn.linear_model:SGDRegressor",
        {},
        data_loader=DataFrameLoader("y"),
        evaluator=Evaluation.regression,
        metrics_pool=MetricPool().add_sklearn(r2_score),
        split=None,
    )
    assert train(task, tmp_path).result["runs"][0]["metrics"]["r2_score_test"] > 0.99


def test_an_index_is_no_feature_and_may_be_the_key(tmp_path: Path) -> None:
    frame = make_frame(600).drop(columns=["weight"]).set_index("user")
    frame.to_parquet(tmp_path / "data.parquet")
    loader = DataFrameLoader("y")
    run = train(build_task(data_loader=loader, split=HashSplit(test_share=0.2)), tmp_path).result["runs"][0]
    assert run["model"].steps[0][1].names_.tolist() == ["a", "b", "c"]
    # a key that is an index is read all the same
    with_key = train(build_task(data_loader=loader, split=HashSplit("user", 0.2)), tmp_path).result["runs"][0]
    assert with_key["model"].steps[0][1].names_.tolist() == ["a", "b", "c"]


def write_classes(folder: Path, late: Any) -> Path:
    """A class that comes in the last row only, where no sample looks."""
    frame = pd.DataFrame({"a": np.arange(4000.0), "y": ["no", "yes"] * 2000})
    frame.loc[3999, "y"] = late
    frame.to_parquet(folder / "data.parquet", row_group_size=1000)
    return folder


def test_a_class_that_the_sample_does_not_have_is_an_error(tmp_path: Path) -> None:
    options = {
        "data_loader": DataFrameLoader("y"),
        "evaluator": Evaluation.multiclass_classification,
        "metrics_pool": MetricPool().add_sklearn(accuracy_score),
        "split": HashSplit(test_share=0),
        "sample_rows": 100,
    }
    data = write_classes(tmp_path, "maybe")
    expected = (
        "label column 'y' has the class 'maybe' in row 3999 of the dataset, and the known ones are 'no', 'yes'; "
        "give all of them as classes=[...]"
    )
    with pytest.raises(DatasetError, match=f"^{re.escape(expected)}$"):
        train(build_task(**options), data)
    run = train(build_task(classes=["yes", "no", "maybe"], **options), data).result["runs"][0]
    assert run["model"].classes_.tolist() == ["maybe", "no", "yes"]
    with pytest.raises(
        DatasetError, match="has the class 'no' in row 0 of the dataset, and the known ones are 'x', 'yes'"
    ):
        train(build_task(classes=["yes", "x"], **options), data)


def test_a_single_class_is_an_error_that_counts_the_rows(tmp_path: Path) -> None:
    pd.DataFrame({"a": np.arange(90.0), "y": [1] * 90}).to_parquet(tmp_path / "data.parquet")
    with pytest.raises(DatasetError, match="'y' has the same value, 1, in all 90 rows"):
        train(build_task(data_loader=DataFrameLoader("y"), split=HashSplit(test_share=0)), tmp_path)


def test_a_label_that_is_missing_is_an_error_that_names_its_row(tmp_path: Path) -> None:
    data = write_classes(tmp_path, None)
    task = build_task(data_loader=DataFrameLoader("y"), split=HashSplit(test_share=0), sample_rows=100)
    with pytest.raises(
        DatasetError, match="label column 'y' has no finite value in 1 of 500 rows, the first at index 3999"
    ):
        train(task, data)


def test_columns_that_are_not_needed_are_not_read(tmp_path: Path) -> None:
    frame = make_frame(600)
    table = pa.Table.from_pandas(frame).append_column("tags", pa.array([["list"]] * 600))
    pq.write_table(table, tmp_path / "data.parquet")
    assert train(build_task(), tmp_path).result["runs"][0]["metrics"]["roc_auc_score_test"] > 0.8
    with pytest.raises(DatasetError, match="feature 'tags' "):
        train(build_task(data_loader=DataFrameLoader("y")), tmp_path)


def test_categories_and_folders_differ_from_file_to_file(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for shop, values in (("north", ["x", "y"]), ("south", ["y", "z"])):
        frame = pd.DataFrame({"c": pd.Categorical(np.array(values)[random.integers(0, 2, 300)], values)})
        frame["y"] = (frame["c"] == "y").astype(int)
        (tmp_path / f"shop={shop}").mkdir()
        frame.to_parquet(tmp_path / f"shop={shop}" / "data.parquet", row_group_size=100)
    run = train(
        build_task(data_loader=DataFrameLoader("y"), window_rows=150, split=HashSplit(test_share=0.2)), tmp_path
    ).result["runs"][0]
    assert run["model"].steps[1][1].feature_names() == ["c_x", "c_y", "c_z", "shop_north", "shop_south"]
    assert run["metrics"] == {"roc_auc_score_test": 1.0, "roc_auc_score_train": 1.0}


def test_a_column_as_it_is_reaches_a_transformer_of_its_own(tmp_path: Path) -> None:
    frame = pd.DataFrame({"tags": [["a", "b"], ["a"], []] * 200, "y": ["yes", "no", "no"] * 200})
    frame.to_parquet(tmp_path / "data.parquet", row_group_size=100)
    task = build_task(data_loader=DataFrameLoader("y", as_is=["tags"]), split=HashSplit(test_share=0.2))
    task.model_provider.transformer = dft.DataFrameTransformerFactory().on_columns(["tags"], Lengths)
    assert train(task, tmp_path).result["runs"][0]["metrics"]["roc_auc_score_test"] == 1.0


class Lengths(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    def __init__(self, columns: Any) -> None:
        self.columns = columns

    def fit(self, X: Any, y: Any = None) -> "Lengths":
        return self

    def transform(self, X: Any) -> Any:
        return pd.DataFrame({name: X[name].map(len).astype(float) for name in self.columns})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": 0}, "epochs is 0; give a whole number from 1"),
        ({"batch_size": 2.5}, r"batch_size is 2\.5; give a whole number from 1"),
        ({"batch_size": 501}, "batch_size is 501, more than the window_rows 500; a window has whole batches"),
        ({"seed": -1}, "seed is -1; give a whole number from 0"),
        ({"max_seconds": 0}, "max_seconds is 0; give a number above 0"),
        ({"checkpoint_every": 0}, "checkpoint_every is 0; give a whole number from 1"),
        ({"data_loader": DataFrameLoader("y", sample=5)}, "has no sample of its data_loader; give fewer epochs"),
        (
            {"data_loader": DataFrameLoader("y", group_column="user")},
            "has no group_column of its data_loader; use Single",
        ),
        (
            {"early_stopping": EarlyStopping("r2", "max")},
            "early stopping looks at 'r2', which is not measured; the metrics are roc_auc_score_test, ",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskDefinitionError, match=message):
        build_task(**given)


def test_what_a_training_cannot_be_is_refused(folder: Path) -> None:
    with pytest.raises(
        TaskDefinitionError, match="the model LogisticRegression has no partial_fit, so it cannot learn"
    ):
        train(build_task("sklearn.linear_model:LogisticRegression", {}), folder)
    weighted = DataFrameLoader("y", features=["a", "b", "c"], weight_column="weight")
    with pytest.raises(TaskDefinitionError, match="the model Unweighted takes no sample_weight in partial_fit; drop"):
        train(build_task(Unweighted, {}, data_loader=weighted), folder)
    with pytest.raises(
        TaskDefinitionError, match=r"classes are \['a'\], and the label column 'weight' has values such as 1"
    ):
        train(build_task(classes=["a"], data_loader=DataFrameLoader("weight", features=["a"])), folder)
    for classes in (["0", "1"], [0.4, 1.2]):
        with pytest.raises(TaskDefinitionError, match=r"and the label column 'weight' has values such as 1; give"):
            train(build_task(classes=classes, data_loader=DataFrameLoader("weight", features=["a"])), folder)
    with pytest.raises(
        TaskDefinitionError, match=r"SGDClassifier is a classifier, and the evaluator is Evaluation\.regression; give"
    ):
        train(build_task(evaluator=Evaluation.regression), folder)
    with pytest.raises(DatasetError, match="the split's columns 'customer' are not in the data"):
        train(build_task(split=HashSplit("customer")), folder)
    with pytest.raises(DatasetError, match="the split leaves none to test on; give another test_share or seed"):
        train(build_task(split=HashSplit("user", 1e-9)), folder)
    with pytest.raises(TaskDefinitionError, match=r"early stopping has the mode 'best'; choose from max, min"):
        EarlyStopping("a", "best")
    with pytest.raises(TaskDefinitionError, match=r"early stopping has a patience of 0; give a whole number"):
        EarlyStopping("a", "max", patience=0)
    for delta in ("a", -1, float("nan")):
        with pytest.raises(TaskDefinitionError, match=r"early stopping has a min_delta of .+; give a number from 0"):
            EarlyStopping("a", "max", min_delta=delta)  # type: ignore[arg-type]


def test_hyperparameters_reach_its_parts(folder: Path) -> None:
    task = build_task()
    task.apply_hyperparams({"epochs:int": 2, "split.test_share:float": 0.5, "window_rows:int": 50})
    assert (task.epochs, task.split.test_share) == (2, 0.5)
    with pytest.raises(TaskDefinitionError, match="batch_size is 60, more than the window_rows 50"):
        train(task, folder)


def test_a_metric_may_need_probabilities(folder: Path) -> None:
    task = build_task(metrics_pool=MetricPool().add_sklearn(log_loss))
    assert train(task, folder).result["runs"][0]["metrics"]["log_loss_test"] < 0.6


class FakeOnTwoHosts(FakeEnvironment):
    hosts = ("algo-1", "algo-2")


class Together(SGDClassifier):  # type: ignore[misc]  # scikit-learn is untyped
    is_distributed = True


def test_several_machines_need_a_model_that_learns_together(folder: Path) -> None:
    told = "SGDClassifier learns on one machine, and there are 2, which would all learn the same; give it one, or"
    with pytest.raises(TaskDefinitionError, match=f"^{re.escape(told)}"):
        build_task().run_with_environment(folder, FakeOnTwoHosts())
    with pytest.raises(TaskDefinitionError, match=r"^max_seconds is 9, and 2 machines would not end after the same"):
        build_task(Together, max_seconds=9).run_with_environment(folder, FakeOnTwoHosts())
    environment = FakeOnTwoHosts()
    build_task(Together).run_with_environment(folder, environment)
    assert environment.result["runs"][0]["model"].steps[-1][1].t_ > 1
