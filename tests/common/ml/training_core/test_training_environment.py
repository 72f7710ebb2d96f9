import gc
import math
import re
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from tg.common import TaskDefinitionError
from tg.common.ml.training_core import AbstractTrainingTask, InMemoryTrainingEnvironment, TrainingEnvironment

LINE_START = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} INFO: "


class RecordingEnvironment(TrainingEnvironment):
    def __init__(self):
        self.metrics = []
        self.progress = []

    def log(self, message):
        raise AssertionError("a metric is not a message")

    def store_artifact(self, path, name, artifact):
        raise AssertionError("a metric is not an artifact")

    @property
    def output_folder(self):
        raise AssertionError("a metric is not a file")

    def _keep(self, name, content, is_table=False):
        raise AssertionError("a metric is not a file")

    def _keep_model(self, name, model, example):
        raise AssertionError("a metric is not a model")

    def _write_metric(self, name, value, step):
        self.metrics.append((name, value, step))

    def _write_progress(self, done, of, unit):
        self.progress.append((done, of, unit))


class Tensor:
    """One element, as the tensors of PyTorch have it: ``size`` is a method, and it is not a number."""

    def __init__(self, value, shape=()):
        self.value, self.shape = value, shape

    def size(self):
        return self.shape

    def item(self):
        return self.value


def written(name="m", value=0.5, step=None):
    environment = RecordingEnvironment()
    environment.output_metric(name, value, step)
    return environment.metrics


# --- checks that every environment has


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1.0),
        (0.1, 0.1),
        (True, 1.0),
        (Fraction(1, 4), 0.25),
        (np.float64(0.1), 0.1),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3.0),
        (np.bool_(True), 1.0),
        (np.array(0.5), 0.5),
        (np.array([0.5]), 0.5),
        (np.array([[2]]), 2.0),
        (pd.Series([0.5]), 0.5),
        (Tensor(0.5), 0.5),
        (Tensor(0.5, (1, 1)), 0.5),
        (float("inf"), math.inf),
        (-np.inf, -math.inf),
    ],
)
def test_one_number_is_written_as_a_plain_float(value, expected):
    assert written(value=value) == [("m", expected, None)]
    assert type(written(value=value)[0][1]) is float


def test_nan_is_a_value():
    ((_, value, _),) = written(value=np.float32("nan"))
    assert math.isnan(value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0.5", "'0.5'"),
        (None, "None"),
        (1j, "1j"),
        ([0.5], "[0.5]"),
        (np.array([0.5, 1.0]), "array([0.5, 1. ])"),
        (np.array(["0.5"]), "array(['0.5'], dtype='<U3')"),
        (np.array([]), "array([], dtype=float64)"),
        (np.zeros((2, 2)), "array([[0., 0.], [0., 0.]])"),
    ],
)
def test_what_is_not_one_number_is_refused_in_one_line(value, shown):
    with pytest.raises(TaskDefinitionError) as caught:
        written(value=value)
    assert str(caught.value) == f"metric 'm' has the value {shown}, which is not a number; report a float"


def test_a_long_value_is_cut():
    with pytest.raises(TaskDefinitionError) as caught:
        written(value=np.zeros((100, 100)))
    assert len(str(caught.value)) < 200
    with pytest.raises(TaskDefinitionError, match="which is not a number"):
        written(value=Tensor(0.5, (2,)))


@pytest.mark.parametrize("name", ["auc", "fold_auc_test", "a b", "a:b", "a/b.c-d", "#1", "Точность", "<lambda>"])
def test_names_that_are_taken(name):
    assert written(name) == [(name, 0.5, None)]


@pytest.mark.parametrize(
    "name", ["", " ", "\t", "a\n", "\na", "a\nb", "a\rb", "a\x0bb", "a\u2028b", "a###b", "###", None, 5, b"a"]
)
def test_names_that_are_refused(name):
    message = f"^metric name {re.escape(repr(name))} is not one line of text without '###'; rename the metric$"
    with pytest.raises(TaskDefinitionError, match=message):
        written(name)


@pytest.mark.parametrize(("step", "expected"), [(None, None), (0, 0), (7, 7), (-1, -1), (np.int64(3), 3), (2.0, 2)])
def test_steps_are_whole_numbers(step, expected):
    ((_, _, result),) = written(step=step)
    assert result == expected
    assert type(result) in (int, type(None))


@pytest.mark.parametrize("step", [1.5, float("nan"), float("inf"), "3", [1]])
def test_other_steps_are_refused(step):
    message = rf"^metric 'm' has the step {re.escape(repr(step))}; give a whole number$"
    with pytest.raises(TaskDefinitionError, match=message):
        written(step=step)


# --- InMemoryTrainingEnvironment


def test_metric_lines_of_the_training_log(capsys):
    environment = InMemoryTrainingEnvironment()
    environment.log("Completed stage 1/1")
    environment.output_metric("roc_auc_score_test", np.float64(0.8538095238095237))
    environment.output_metric("roc_auc_score_train", 1, step=3)
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(f"^{LINE_START}", "", line) for line in lines] == [
        "Completed stage 1/1",
        "###roc_auc_score_test:0.8538095238095237",
        "###roc_auc_score_train:1.0",
    ]
    assert all(re.match(LINE_START, line) for line in lines)


@pytest.mark.parametrize(
    ("value", "text"), [(math.nan, "nan"), (-math.inf, "-inf"), (1e-7, "1e-07"), (1 / 3, "0.3333333333333333")]
)
def test_metric_values_as_text(capsys, value, text):
    InMemoryTrainingEnvironment().output_metric("m", value)
    assert capsys.readouterr().out.endswith(f" INFO: ###m:{text}\n")


def test_the_last_value_of_a_metric_stays():
    environment = InMemoryTrainingEnvironment()
    for step, value in enumerate([0.1, 0.2]):
        environment.output_metric("loss", value, step)
    assert environment.result == {"metrics": {"loss": 0.2}, "runs": {}}


def test_a_refused_metric_leaves_no_trace(capsys):
    environment = InMemoryTrainingEnvironment()
    with pytest.raises(TaskDefinitionError):
        environment.output_metric("loss", "0.1")
    assert environment.result == {"metrics": {}, "runs": {}}
    assert capsys.readouterr().out == ""


def test_artifacts_are_nested_by_path(capsys):
    environment = InMemoryTrainingEnvironment()
    model = object()
    environment.store_artifact(["runs", 0], "model", model)
    environment.store_artifact(("runs", 0), "info", {"a": 1})
    environment.store_artifact(["runs", 1, "plots"], "roc", "picture")
    environment.store_artifact([], "summary", 5)
    assert environment.result == {
        "metrics": {},
        "runs": {0: {"model": model, "info": {"a": 1}}, 1: {"plots": {"roc": "picture"}}},
        "summary": 5,
    }
    assert capsys.readouterr().out == ""


def test_what_is_logged_is_in_files_as_it_was_then(tmp_path):
    environment = InMemoryTrainingEnvironment()
    frame = pd.DataFrame({"a": [1]})
    (tmp_path / "b.txt").write_text("then")
    environment.log_table(frame, "tables/a.parquet")
    environment.log_file(tmp_path / "b.txt")
    environment.log_file(str(tmp_path / "b.txt"), "notes/c.txt")
    (environment.output_folder / "d.txt").write_text("left")
    frame["a"] = 2
    (tmp_path / "b.txt").write_text("later")
    result = environment.result
    del environment
    gc.collect()
    assert list(result["files"]) == ["tables/a.parquet", "b.txt", "notes/c.txt"]
    assert pd.read_parquet(result["files"]["tables/a.parquet"])["a"].tolist() == [1]
    assert [result["files"][name].read_text() for name in ("b.txt", "notes/c.txt")] == ["then", "then"]
    assert (result["output_folder"] / "d.txt").read_text() == "left"


class Constant:
    def predict(self, features):
        return [1] * len(features)


def test_a_logged_model_stays_what_it_is():
    environment, model = InMemoryTrainingEnvironment(), Constant()
    environment.log_model(model)
    environment.log_model(model, "other one-2", example=pd.DataFrame({"a": [1]}))
    assert environment.result["models"] == {"model": model, "other one-2": model}


@pytest.mark.parametrize(
    ("model", "name", "example", "message"),
    [
        (5, "a", None, "the model 'a' is a int, which has no method `predict`; give it one, or log a file"),
        (Constant(), "a/b", None, "the model's name is 'a/b'; give at most 100 letters, digits, .*, such as 'model'"),
        (Constant(), "", None, "the model's name is ''; give .*"),
        (Constant(), " a", None, "the model's name is ' a'; give .*"),
        (Constant(), "a.b", None, "the model's name is 'a.b'; give .*"),
        (Constant(), "a" * 101, None, "the model's name is 'a{101}'; give .*"),
        (Constant(), None, None, "the model's name is None; give .*"),
        (
            Constant(),
            "a",
            [[1]],
            "the example of the model 'a' is a list without rows of features; give a pandas DataFrame of them",
        ),
        (
            Constant(),
            "a",
            pd.DataFrame({"a": []}),
            "the example of the model 'a' is a DataFrame without rows of features; give a pandas DataFrame of them",
        ),
        (
            Constant(),
            "a",
            pd.DataFrame({"a": [1, "x"]}),
            "the example of the model 'a' cannot be written as parquet (.*); change or drop that column",
        ),
    ],
)
def test_models_that_cannot_be_logged_are_told_in_one_line(model, name, example, message):
    environment = InMemoryTrainingEnvironment()
    with pytest.raises(TaskDefinitionError, match=f"^{message}$"):
        environment.log_model(model, name, example)
    assert environment.result == {"metrics": {}, "runs": {}}


@pytest.mark.parametrize(
    ("path", "name", "message"),
    [
        ("", None, "'{path}', which is to be logged as 'there', is a folder; write to environment.output_folder"),
        ("none.txt", None, "'{path}', which is to be logged as 'none.txt', is no file; write it first"),
        ("none.txt", "../a", "the artifact's name is '../a', which leads out of the run; give one such as 'plots/.*'"),
        ("task.json", None, "the artifact's name is 'task.json', but the run has its own 'task.json'; give one .*"),
    ],
)
def test_files_that_cannot_be_logged_are_told_in_one_line(tmp_path, path, name, message):
    environment = InMemoryTrainingEnvironment()
    file = tmp_path / "there" / path
    (tmp_path / "there").mkdir()
    with pytest.raises(TaskDefinitionError, match=f"^{message.format(path=file)}$"):
        environment.log_file(file, name)
    assert environment.result == {"metrics": {}, "runs": {}}


def test_results_are_not_shared_between_environments():
    InMemoryTrainingEnvironment().output_metric("m", 1.0)
    assert InMemoryTrainingEnvironment().result == {"metrics": {}, "runs": {}}


def test_track_yields_the_items_and_is_silent_off_a_terminal(capsys):
    assert list(InMemoryTrainingEnvironment().track(range(3))) == [0, 1, 2]
    assert list(RecordingEnvironment().track("ab")) == ["a", "b"]
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_what_is_tracked_is_progress():
    environment = RecordingEnvironment()
    assert list(environment.track("ab", unit="epoch")) == ["a", "b"]
    assert list(environment.track(np.arange(0))) == []
    for _ in environment.track([7, 8]):
        break  # a task that stops early does not tell that it has done the rest
    assert environment.progress == [(0, 2, "epoch"), (1, 2, "epoch"), (2, 2, "epoch"), (0, 2, "step")]


@pytest.mark.parametrize(("done", "of"), [(0, 10), (np.int64(10), 10.0)])
def test_progress_is_told_in_whole_numbers(done, of):
    environment = RecordingEnvironment()
    environment.log_progress(done, of)
    assert environment.progress == [(int(done), 10, "step")]
    assert {type(each) for each in environment.progress[0][:2]} == {int}
    InMemoryTrainingEnvironment().log_progress(done, of)  # where nobody looks


@pytest.mark.parametrize(
    ("progress", "message"),
    [
        ((11, 10), r"progress is 11 of 10; give whole numbers, such as 3 of 10"),
        ((-1, 10), r"progress is -1 of 10;"),
        ((0.5, 10), r"progress is 0.5 of 10;"),
        (("3", 10), r"progress is '3' of 10;"),
        ((math.nan, math.inf), r"progress is nan of inf;"),
        ((1, 10, ""), r"the unit of progress is ''; give a word, such as 'epoch'"),
        ((1, 10, None), r"the unit of progress is None;"),
    ],
)
def test_what_cannot_be_progress_is_refused(progress, message):
    with pytest.raises(TaskDefinitionError, match=message):
        RecordingEnvironment().log_progress(*progress)


# --- AbstractTrainingTask


class EchoTask(AbstractTrainingTask):
    factor = 2

    def __init__(self):
        super().__init__()
        self.bias = 1

    def run_with_environment(self, data, environment):
        environment.log(f"got {data}")
        environment.output_metric("doubled", self.factor * (data or 0) + self.bias)


def test_a_task_runs_in_memory(capsys):
    task = EchoTask()
    assert task.info == {}
    assert task.get_metric_names() == []
    task.apply_hyperparams({"bias": "5"})
    assert task.run(3) == {"metrics": {"doubled": 11.0}, "runs": {}}
    assert task.run() == {"metrics": {"doubled": 5.0}, "runs": {}}
    assert "INFO: got 3\n" in capsys.readouterr().out
