"""What is drawn of predictions, on archives made by hand."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from tg.common.delivery.delivery.pickling import dump_pickle
from tg.common.delivery.sagemaker.result_archive import ResultArchive, write_result_archive
from tg.common.ml import dft
from tg.common.ml import single_frame_training as sft
from tg_mlflow.result_figures import draw_figures
from tg_mlflow.result_figures_weights import find_weights

BINARY = pd.DataFrame(
    {
        "predicted": [0.1, 0.4, 0.6, 0.9, 0.8, 0.3, 0.5, 0.0],
        "true": [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        "stage": ["test"] * 7 + ["train"],
    }
)
MULTICLASS = pd.DataFrame(
    {"predicted": ["a", "b", "b", "c"], "true": ["a", "a", "b", "c"], "predicted_a": 0.5, "stage": "test"}
)
REGRESSION = pd.DataFrame({"predicted": [1.0, 2.5], "true": [1.5, 2.0], "stage": "test"})

PREDICTIONS = {"roc_curve", "precision_recall_curve", "confusion_matrix"}


class Attempts:
    def __init__(self) -> None:
        self.errors: dict[str, str] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - what it is for
            self.errors[name] = str(error)


def draw(folder: Path, evaluator: Any, *runs: pd.DataFrame, model: Any = None) -> tuple[Path, dict[str, str]]:
    """Draws an archive with these predictions; gives the folder of figures and what could not be drawn."""
    content = folder / "content"
    task = sft.SingleFrameTrainingTask(sft.DataFrameLoader("label"), sft.ModelProvider(DummyClassifier), evaluator)
    for number, frame in enumerate(runs):
        (content / f"runs/{number}").mkdir(parents=True)
        frame.to_parquet(content / f"runs/{number}/result_df.parquet")
        for name, value in (("training_task", task), ("model", model)):
            with (content / f"runs/{number}/{name}.pkl").open("wb") as file:
                dump_pickle(value, file)
    (content / "package.json").write_text(json.dumps({"module_name": "P__0", "tg_import_path": "P__0.tg"}))
    write_result_archive(content, folder / "model.tar.gz")
    attempts = Attempts()
    with ResultArchive(folder / "model.tar.gz") as archive:
        draw_figures(archive, folder / "figures", attempts)
    return folder / "figures", attempts.errors


def names(folder: Path) -> set[str]:
    """The figures, each of which has its data beside it."""
    files = {path.relative_to(folder) for path in folder.rglob("*.*")}
    pictures = {str(path.with_suffix("")) for path in files if path.suffix == ".png"}
    assert {str(path.with_suffix("")) for path in files if path.suffix == ".csv"} == pictures
    return pictures


def read(path: Path) -> dict[str, list[Any]]:
    return pd.read_csv(path).to_dict(orient="list")


def test_a_binary_classification(tmp_path: Path) -> None:
    folder, missing = draw(tmp_path, sft.Evaluation.binary_classification, BINARY)
    assert missing == {}
    assert names(folder) == {f"0/{name}" for name in (*PREDICTIONS, "calibration_curve")}
    # Of the rows held out, 2 of 3 without and 3 of 4 with the class are on the right side of 0.5.
    assert read(folder / "0/confusion_matrix.csv") == {"true": [0, 1], "0": [2, 1], "1": [1, 3]}
    roc = read(folder / "0/roc_curve.csv")
    assert roc["tpr"] == [0.0, 0.25, 0.5, 0.5, 0.75, 0.75, 1.0, 1.0]
    assert roc["fpr"] == pytest.approx([0, 0, 0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 1])
    assert roc["threshold"] == [np.inf, 0.9, 0.8, 0.6, 0.5, 0.4, 0.3, 0.1]
    curve = read(folder / "0/precision_recall_curve.csv")
    assert (curve["precision"][0], curve["recall"][0], curve["threshold"][0]) == (pytest.approx(4 / 7), 1.0, 0.1)
    assert (curve["precision"][-1], curve["recall"][-1]) == (1.0, 0.0)
    calibration = read(folder / "0/calibration_curve.csv")
    assert calibration["predicted"] == [0.1, 0.3, 0.4, 0.5, 0.6, 0.8, 0.9]
    assert calibration["true"] == [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0]
    assert (folder / "0/roc_curve.png").read_bytes().startswith(b"\x89PNG")


def test_scores_that_are_no_probabilities_have_threshold_0_and_no_calibration(tmp_path: Path) -> None:
    folder, missing = draw(
        tmp_path, sft.Evaluation.binary_classification, BINARY.assign(predicted=BINARY.predicted - 1)
    )
    assert missing == {}
    assert names(folder) == {f"0/{name}" for name in PREDICTIONS}
    assert read(folder / "0/confusion_matrix.csv") == {"true": [0, 1], "0": [3, 4], "1": [0, 0]}


def test_a_multiclass_classification(tmp_path: Path) -> None:
    folder, _ = draw(tmp_path, sft.Evaluation.multiclass_classification, MULTICLASS)
    assert names(folder) == {"0/confusion_matrix"}
    expected = {"true": ["a", "b", "c"], "a": [1, 0, 0], "b": [1, 1, 0], "c": [0, 0, 1]}
    assert read(folder / "0/confusion_matrix.csv") == expected


def test_a_regression(tmp_path: Path) -> None:
    folder, _ = draw(tmp_path, sft.Evaluation.regression, REGRESSION)
    assert names(folder) == {"0/predicted_against_true", "0/residuals"}
    assert read(folder / "0/predicted_against_true.csv") == {"true": [1.5, 2.0], "predicted": [1.0, 2.5]}
    assert read(folder / "0/residuals.csv") == {"predicted": [1.0, 2.5], "residual": [0.5, -0.5]}


def test_an_evaluator_of_ones_own_has_no_figures_but_weights(tmp_path: Path) -> None:
    model = LinearRegression().fit(pd.DataFrame({"x": [0, 1]}), [0, 2])
    folder, missing = draw(tmp_path, None, BINARY, model=model)
    assert (names(folder), missing) == ({"0/coefficients"}, {})
    assert read(folder / "0/coefficients.csv") == {"feature": ["x"], "coefficient": [pytest.approx(2.0)]}


def test_where_there_is_nothing_to_draw_there_is_no_folder(tmp_path: Path) -> None:
    folder, missing = draw(tmp_path, None, BINARY)
    assert (folder.exists(), missing) == (False, {})


def test_runs_have_folders_and_several_stages_have_their_names_in_the_figures(tmp_path: Path) -> None:
    stages = ["last year", "last year", "new", "new"]
    twice = pd.concat([REGRESSION, REGRESSION]).assign(stage=stages)
    folder, _ = draw(tmp_path, sft.Evaluation.regression, REGRESSION, twice)
    assert names(folder) == {
        "0/predicted_against_true",
        "0/residuals",
        "1/predicted_against_true_last_year",
        "1/predicted_against_true_new",
        "1/residuals_last_year",
        "1/residuals_new",
    }


def test_what_cannot_be_drawn_does_not_keep_the_others(tmp_path: Path) -> None:
    folder, missing = draw(tmp_path, sft.Evaluation.binary_classification, BINARY.assign(true=1.0))
    assert missing == {
        f"figures/0/{name}": "the 7 rows of the stage are all of one class"
        for name in ("roc_curve", "precision_recall_curve", "calibration_curve")
    }
    assert names(folder) == {"0/confusion_matrix"}


def test_of_many_rows_there_is_a_sample_that_is_always_the_same(tmp_path: Path) -> None:
    score = np.random.default_rng(1).random(20_000)
    rows = pd.DataFrame({"predicted": score, "true": (score > 0.5) ^ (np.arange(20_000) % 3 == 0), "stage": "test"})
    rows["true"] = rows["true"].astype(float)
    for number in (1, 2):
        (tmp_path / f"r{number}").mkdir()
        (tmp_path / f"b{number}").mkdir()
    first, second = (draw(tmp_path / f"r{number}", sft.Evaluation.regression, rows)[0] for number in (1, 2))
    assert len(read(first / "0/residuals.csv")["residual"]) == 1000
    assert (first / "0/residuals.csv").read_bytes() == (second / "0/residuals.csv").read_bytes()
    curve = read(draw(tmp_path / "b1", sft.Evaluation.binary_classification, rows)[0] / "0/roc_curve.csv")
    assert len(curve["fpr"]) == 1000
    assert (curve["fpr"][0], curve["fpr"][-1], curve["tpr"][-1]) == (0.0, 1.0, 1.0)


FRAME = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0], "kind": ["u", "v", "u", "v"]})


def test_importances_have_the_names_that_the_transformer_gives() -> None:
    factory = dft.DataFrameTransformerFactory.default_factory()
    provider = sft.ModelProvider(
        lambda: RandomForestClassifier(5, random_state=0), transformer=factory, keep_column_names=False
    )
    model = provider.get_model().fit(FRAME, [0, 1, 0, 1])
    weights = find_weights(model)
    assert weights is not None
    assert weights.name == "feature_importances"
    assert list(weights.frame["feature"]) == list(model.steps[0][1].get_feature_names_out())
    assert weights.frame["importance"].sum() == pytest.approx(1)


def test_coefficients_of_several_classes_have_a_column_for_each() -> None:
    model = Pipeline([("model", LogisticRegression())]).fit(FRAME[["size"]], ["a", "b", "c", "c"])
    weights = find_weights(model)
    assert weights is not None
    assert list(weights.frame.columns) == ["feature", "coefficient_a", "coefficient_b", "coefficient_c"]
    assert list(weights.frame["feature"]) == ["size"]


def test_columns_without_names_are_numbered() -> None:
    weights = find_weights(LinearRegression().fit(np.eye(3), [1.0, 2.0, 3.0]))
    assert weights is not None
    assert list(weights.frame["feature"]) == ["feature_0", "feature_1", "feature_2"]


def test_a_model_without_weights_has_none() -> None:
    assert find_weights(SVC(kernel="rbf").fit(FRAME[["size"]], [0, 1, 0, 1])) is None
    assert find_weights(DummyClassifier().fit(FRAME, [0, 1, 0, 1])) is None
