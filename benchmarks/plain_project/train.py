"""The breast-cancer example as people write it for MLflow: it logs by itself what a run of ours has.

python train.py PARQUET MAX_ITER C [REQUIREMENTS]

Given the model's requirements, MLflow need not find them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import matplotlib
import mlflow
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from mlflow.models import infer_signature
from sklearn.calibration import CalibrationDisplay, calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
    accuracy_score,
    confusion_matrix,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

LABEL = "benign"


def draw(
    true: pd.Series, score: np.ndarray, model: LogisticRegression, names: list[str]
) -> Iterator[tuple[str, Figure, pd.DataFrame]]:
    """Yields each figure with its name and its data."""
    figure = Figure(layout="constrained")
    RocCurveDisplay.from_predictions(true, score, ax=figure.subplots(), plot_chance_level=True)
    fpr, tpr, thresholds = roc_curve(true, score)
    yield "roc_curve", figure, pd.DataFrame({"fpr": fpr, "tpr": tpr, "threshold": thresholds})

    figure = Figure(layout="constrained")
    PrecisionRecallDisplay.from_predictions(true, score, ax=figure.subplots(), plot_chance_level=True)
    precision, recall, thresholds = precision_recall_curve(true, score)
    yield (
        "precision_recall_curve",
        figure,
        pd.DataFrame({"precision": precision, "recall": recall, "threshold": np.append(thresholds, np.nan)}),
    )

    figure = Figure(layout="constrained")
    counts = confusion_matrix(true, score >= 0.5)
    ConfusionMatrixDisplay(counts).plot(ax=figure.subplots(), cmap="Blues", colorbar=False)
    yield "confusion_matrix", figure, pd.DataFrame(counts)

    figure = Figure(layout="constrained")
    CalibrationDisplay.from_predictions(true, score, n_bins=10, ax=figure.subplots())
    shares, means = calibration_curve(true, score, n_bins=10)
    yield "calibration_curve", figure, pd.DataFrame({"predicted": means, "true": shares})

    figure = Figure(layout="constrained")
    weights = pd.DataFrame({"feature": names, "weight": model.coef_[0]}).sort_values("weight", key=abs)
    figure.subplots().barh(weights["feature"], weights["weight"])
    yield "coefficients", figure, weights


def main(path: str, max_iter: str, strength: str, requirements: str = "") -> None:
    matplotlib.use("agg")
    frame = pd.read_parquet(path)
    train, test = train_test_split(frame, test_size=0.3, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=int(max_iter), C=float(strength)))
    with mlflow.start_run():
        mlflow.log_input(mlflow.data.from_pandas(frame, source=path, name="breast_cancer.parquet"), context="training")
        features = train.drop(columns=LABEL)
        model.fit(features, train[LABEL])
        results = []
        for stage, rows in (("test", test), ("train", train)):
            score = model.predict_proba(rows.drop(columns=LABEL))[:, 1]
            results.append(pd.DataFrame({"predicted": score, "true": rows[LABEL], "stage": stage}))
            mlflow.log_metric(f"roc_auc_score_{stage}", float(roc_auc_score(rows[LABEL], score)))
            mlflow.log_metric(f"accuracy_score_{stage}", float(accuracy_score(rows[LABEL], score >= 0.5)))
        true, score = results[0]["true"], results[0]["predicted"].to_numpy()
        for name, figure, data in draw(true, score, model[-1], list(features)):
            mlflow.log_figure(figure, f"figures/0/{name}.png")
            mlflow.log_text(data.to_csv(index=False), f"figures/0/{name}.csv")
        mlflow.log_table(pd.concat(results), "tables/result_df.json")
        mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(features, model.predict(features)),
            input_example=features.head(5),
            pip_requirements=requirements.split() or None,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
