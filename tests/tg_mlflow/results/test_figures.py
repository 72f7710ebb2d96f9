"""What is drawn of predictions, on archives made by hand."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC

from tg.common.delivery.delivery.package.pickling import dump_pickle
from tg.common.delivery.sagemaker.archive.result_archive import ResultArchive, write_result_archive
from tg.common.ml import dft
from tg.common.ml import single_frame_training as sft
from tg_mlflow.figures.classification import (
    draw_calibration_curve,
    draw_confusion_matrix,
    draw_precision_recall_curve,
    draw_roc_curve,
)
from tg_mlflow.figures.labels import as_label
from tg_mlflow.figures.weights import find_weights
from tg_mlflow.results.figures import draw_figures

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


def test_both_classes_are_in_the_confusion_matrix_where_one_is_missing(tmp_path: Path) -> None:
    rows = BINARY.assign(true=0.0, predicted=0.1)
    folder, _ = draw(tmp_path, sft.Evaluation.binary_classification, rows)
    assert read(folder / "0/confusion_matrix.csv") == {"true": [0, 1], "0": [7, 0], "1": [0, 0]}


def test_classes_have_the_names_that_the_model_knows(tmp_path: Path) -> None:
    model = LogisticRegression().fit([[0.0], [1.0]], ["no", "yes"])
    folder, missing = draw(tmp_path, sft.Evaluation.binary_classification, BINARY, model=model)
    assert missing == {}
    expected = "true,no,yes\nno,2,1\nyes,1,3\n"
    assert (folder / "0/confusion_matrix.csv").read_text() == expected


def test_a_class_that_the_model_knows_is_drawn_also_where_no_row_has_it(tmp_path: Path) -> None:
    model = DummyClassifier().fit([[0], [1], [2], [3]], ["a", "b", "c", "true"])
    folder, _ = draw(tmp_path, sft.Evaluation.multiclass_classification, MULTICLASS, model=model)
    expected = "true,a,b,c,true\na,1,1,0,0\nb,0,1,0,0\nc,0,0,1,0\ntrue,0,0,0,0\n"
    assert (folder / "0/confusion_matrix.csv").read_text() == expected


def test_names_of_many_classes_neither_overlap_nor_leave_the_picture() -> None:
    labels = [f"a rather long name that costs $ {number:02}" for number in range(30)]
    figure = Figure(figsize=(6, 4.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure).draw()
    draw_confusion_matrix(figure, pd.DataFrame({"true": labels, "predicted": labels}), ())
    figure.canvas.draw()
    axes = figure.axes[0]
    for texts, low, high in ((axes.get_xticklabels(), "x0", "x1"), (axes.get_yticklabels()[::-1], "y0", "y1")):
        assert len({text.get_text() for text in texts}) == 30
        boxes = [text.get_window_extent() for text in texts]
        assert all(getattr(one, high) < getattr(next_one, low) for one, next_one in itertools.pairwise(boxes))
    numbers = [each for each in axes.get_children() if isinstance(each, Text) and each.get_text() in ("0", "1")]
    assert len(numbers) == 900
    visible = [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label, axes.yaxis.label]
    for box in (text.get_window_extent() for text in visible):
        assert figure.bbox.containsx(box.x0)
        assert figure.bbox.containsx(box.x1)
        assert figure.bbox.containsy(box.y0)
        assert figure.bbox.containsy(box.y1)


@pytest.mark.parametrize("draw_curve", [draw_roc_curve, draw_precision_recall_curve, draw_calibration_curve])
def test_a_long_name_of_the_class_fits_beside_the_axes(draw_curve: Any) -> None:
    figure = Figure(figsize=(6, 4.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    draw_curve(figure, BINARY, ("no", "a customer who has bought nothing since 2019"))
    figure.suptitle("two\nlines")
    figure.canvas.draw()
    for label in (figure.axes[0].xaxis.label, figure.axes[0].yaxis.label):
        box = label.get_window_extent()
        assert "a custo…nce 2019" in label.get_text()
        assert (box.x0 >= 0, box.y0 >= 0, box.x1 <= 600, box.y1 <= 450) == (True, True, True, True)


def test_a_label_keeps_both_its_ends() -> None:
    assert as_label("short") == "short"
    assert as_label("price in $") == r"price in \$"
    assert as_label("two\nlines") == "two lines"
    assert as_label("the first name of the customer") == "the first name of the customer"
    assert as_label("the first name of the customers") == "the first name…f the customers"


def test_a_title_says_which_rows_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    titles = {}
    monkeypatch.setattr(
        Figure, "savefig", lambda figure, path: titles.update({path.name: figure.get_suptitle().splitlines()})
    )
    model = LinearRegression().fit(np.eye(40), np.arange(40))
    gap = REGRESSION.assign(predicted=[1.0, np.inf], stage="50 $")
    draw(tmp_path, sft.Evaluation.regression, pd.concat([REGRESSION] * 600), gap, model=model)
    assert titles == {
        "predicted_against_true.png": [
            "Predicted against true",
            "50 \\$, split 2 of 2: 1 rows, 1 without a finite prediction left out",
        ],
        "residuals.png": ["Residuals", "50 \\$, split 2 of 2: 1 rows, 1 without a finite prediction left out"],
        "coefficients.png": ["Coefficients", "30 of 40 features, split 2 of 2"],
    }


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


def test_stages_that_are_called_the_same_as_files_have_numbers(tmp_path: Path) -> None:
    stages = ["2020-01/a", "2020-01_a", "2020-01_A", "x" * 300]
    rows = pd.concat([REGRESSION.assign(true=number, stage=stage) for number, stage in enumerate(stages)])
    folder, missing = draw(tmp_path, sft.Evaluation.regression, rows)
    assert missing == {}
    files = ["2020-01_a", "2020-01_a_2", "2020-01_A_3", "x" * 50]
    assert names(folder) == {f"0/{name}_{file}" for name in ("predicted_against_true", "residuals") for file in files}
    for number, file in enumerate(files):
        assert read(folder / f"0/predicted_against_true_{file}.csv")["true"] == [number, number]


def test_an_index_may_be_called_as_a_column_is(tmp_path: Path) -> None:
    folder, missing = draw(tmp_path, sft.Evaluation.regression, REGRESSION.rename_axis("stage"))
    assert (names(folder), missing) == ({"0/predicted_against_true", "0/residuals"}, {})


def test_rows_without_a_finite_prediction_are_left_out(tmp_path: Path) -> None:
    rows = pd.concat([BINARY, BINARY.assign(predicted=np.nan)])
    folder, missing = draw(tmp_path, sft.Evaluation.binary_classification, rows)
    assert missing == {}
    assert read(folder / "0/confusion_matrix.csv") == {"true": [0, 1], "0": [2, 1], "1": [1, 3]}


def test_without_any_finite_prediction_there_is_nothing_to_draw(tmp_path: Path) -> None:
    folder, missing = draw(tmp_path, sft.Evaluation.regression, REGRESSION.assign(predicted=np.nan))
    reason = "none of the 2 rows of the stage has a finite prediction"
    assert missing == {"figures/0/predicted_against_true": reason, "figures/0/residuals": reason}
    assert not folder.exists()


def test_a_model_that_cannot_be_looked_into_does_not_keep_the_figures(tmp_path: Path) -> None:
    folder, missing = draw(tmp_path, sft.Evaluation.regression, REGRESSION, model=Unfinished())
    assert missing == {"figures/0/weights": "not yet"}
    assert names(folder) == {"0/predicted_against_true", "0/residuals"}


class Unfinished:
    @property
    def feature_importances_(self) -> Any:
        raise RuntimeError("not yet")


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


def test_the_points_of_a_curve_are_spread_along_it_where_a_class_is_rare(tmp_path: Path) -> None:
    true = (np.arange(100_000) % 100 == 0).astype(float)
    score = 0.4 * true + 0.6 * np.random.default_rng(0).random(100_000)
    rows = pd.DataFrame({"predicted": score, "true": true, "stage": "test"})
    folder, _ = draw(tmp_path, sft.Evaluation.binary_classification, rows)
    curve = pd.read_csv(folder / "0/precision_recall_curve.csv")
    assert len(curve) <= 1000
    assert curve["recall"].diff().abs().max() < 0.005
    assert (curve["recall"].iloc[0], curve["recall"].iloc[-1]) == (1.0, 0.0)


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
    assert list(weights.frame["feature"]) == list(model["transformer"].get_feature_names_out())
    assert weights.frame["importance"].sum() == pytest.approx(1)


def test_coefficients_of_several_classes_have_a_column_for_each() -> None:
    model = Pipeline([("model", LogisticRegression())]).fit(FRAME[["size"]], ["a", "b", "c", "c"])
    weights = find_weights(model)
    assert weights is not None
    assert list(weights.frame.columns) == ["feature", "coefficient_a", "coefficient_b", "coefficient_c"]
    assert list(weights.frame["feature"]) == ["size"]


def test_coefficients_of_pairs_of_classes_are_named_by_both() -> None:
    weights = find_weights(SVC(kernel="linear").fit(FRAME[["size"]], ["a", "b", "c", "c"]))
    assert weights is not None
    assert list(weights.frame.columns) == ["feature", "coefficient_a_b", "coefficient_a_c", "coefficient_b_c"]


def test_weights_are_found_in_a_pipeline_of_a_pipeline_with_the_names_of_its_steps() -> None:
    inner = make_pipeline(StandardScaler(), LogisticRegression())
    model = make_pipeline(PolynomialFeatures(include_bias=False), inner).fit(FRAME[["size"]], [0, 1, 0, 1])
    weights = find_weights(model)
    assert weights is not None
    assert list(weights.frame["feature"]) == ["size", "size^2"]


def test_weights_are_found_in_the_best_model_of_a_search_and_behind_a_transformed_label() -> None:
    frame = FRAME[["size"]]
    search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {}, cv=2).fit(frame, [0, 1, 0, 1])
    transformed = TransformedTargetRegressor(LinearRegression()).fit(frame, [1.0, 2.0, 3.0, 4.0])
    for model in (search, Pipeline([("model", search)]), transformed):
        weights = find_weights(model)
        assert weights is not None
        assert (weights.name, list(weights.frame["feature"])) == ("coefficients", ["size"])


def test_columns_without_names_are_numbered() -> None:
    weights = find_weights(LinearRegression().fit(np.eye(3), [1.0, 2.0, 3.0]))
    assert weights is not None
    assert list(weights.frame["feature"]) == ["feature_0", "feature_1", "feature_2"]


def test_a_model_without_weights_has_none() -> None:
    assert find_weights(SVC(kernel="rbf").fit(FRAME[["size"]], [0, 1, 0, 1])) is None
    assert find_weights(DummyClassifier().fit(FRAME, [0, 1, 0, 1])) is None
