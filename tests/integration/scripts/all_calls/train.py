"""A training with each kind of call of MLflow that public projects have; it knows nothing of where it runs."""

import argparse
import logging
import math
import os
import sys
import tempfile
import time
from pathlib import Path

import matplotlib

matplotlib.use("agg")
# MLflow would load each autologged model in a process of its own, to see what it imports.
os.environ["MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT"] = "1"

import matplotlib.pyplot as plt
import mlflow
import mlflow.sklearn
import numpy as np
from clouds import DATA, read_clouds
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient
from sklearn.linear_model import LogisticRegression

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float, required=True)
parser.add_argument("--epochs", type=float, default=1)
arguments = parser.parse_args()
logging.getLogger("mlflow").setLevel(logging.WARNING)
# What writes models imports all modules of scikit-learn, and PyTorch by way of this one, if it is installed.
sys.modules["sklearn.externals.array_api_compat.torch"] = None

clouds = read_clouds()
features, labels = clouds[["x", "y"]], clouds["label"]


def log_values() -> None:
    mlflow.log_param("solver", "lbfgs")
    mlflow.log_params({"depth": 3, "nothing": None, "text with spaces/and slash": "a\nb # ü ###"})
    for epoch in range(int(arguments.epochs)):
        mlflow.log_metric("loss", 1 / (epoch + 1), step=epoch)
        mlflow.log_metrics({"val/accuracy": epoch / 7, "lr": 1e-3}, step=10 * epoch)
    mlflow.log_metric("no step", 1)
    time.sleep(0.002)  # a logged model keeps one value of a millisecond
    mlflow.log_metric("no step", 2)
    mlflow.log_metric("not a number", math.nan)
    mlflow.log_metric("endless", math.inf)
    mlflow.log_metric("endless", -math.inf, step=-1)
    mlflow.set_tag("stage", "test")
    mlflow.set_tags({"list": [1, 2], "gone": "x", "mlflow.note.content": "A *note*."})
    mlflow.delete_tag("gone")


def log_artifacts(folder: str) -> None:
    mlflow.log_artifact(str(DATA))
    os.makedirs(os.path.join(folder, "deep", "deeper"))
    for name in ("one.txt", "deep/two.bin", "deep/deeper/three"):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(name.encode() * 30_000)
    mlflow.log_artifacts(folder, "files")
    mlflow.log_text("some text\n###MLFLOW###1:{}###\n", "texts/some.txt")
    mlflow.log_dict({"a": [1, 2.5, None], "b": {"c": "ü"}}, "dicts/some.json")
    mlflow.log_dict({"a": 1}, "dicts/some.yaml")
    mlflow.log_table({"question": ["a", "b"], "answer": [1, 2]}, "table.json")
    mlflow.log_table({"question": ["c"], "answer": [3]}, "table.json")
    figure, axes = plt.subplots(figsize=(1, 1))
    axes.plot([1, 2], [3, 4])
    mlflow.log_figure(figure, "figures/line.png")
    mlflow.log_image(np.zeros((4, 4, 3), dtype=np.uint8), "black.png")


def log_inputs() -> None:
    dataset = mlflow.data.from_pandas(clouds, source="https://example.com/clouds.csv", name="clouds", targets="label")
    mlflow.log_input(dataset, context="training", tags={"share": "all"})
    mlflow.log_input(mlflow.data.from_pandas(clouds.head(4), name="head"), context="testing")


def log_children() -> None:
    for depth in (1, 2):
        with mlflow.start_run(run_name=f"depth {depth}", nested=True, tags={"kind": "grid"}, description="A child."):
            mlflow.log_param("depth", depth)
            for epoch in range(3):
                mlflow.log_metric("loss", depth / (epoch + 1), step=epoch)
            mlflow.log_text(f"depth {depth}", "depth.txt")
            if depth == 2:
                with mlflow.start_run(run_name="grandchild", nested=True):
                    mlflow.log_metric("deep", 1)
    try:
        with mlflow.start_run(run_name="failing", nested=True):
            mlflow.log_param("depth", -1)
            raise ValueError("as intended")
    except ValueError:
        pass
    client = MlflowClient()
    active = mlflow.active_run()
    by_client = client.create_run(
        active.info.experiment_id, tags={"mlflow.parentRunId": active.info.run_id}, run_name="by client"
    )
    client.log_metric(by_client.info.run_id, "loss", 0.25, step=2)
    client.log_batch(by_client.info.run_id, params=[mlflow.entities.Param("depth", "9")])
    client.set_terminated(by_client.info.run_id, "KILLED")


def log_models() -> None:
    model = LogisticRegression(C=arguments.alpha).fit(features, labels)
    signature = infer_signature(features, model.predict(features))
    logged = mlflow.sklearn.log_model(
        model,
        name="classifier",
        signature=signature,
        input_example=features.head(2),
        pip_requirements=["scikit-learn"],
        params={"C": arguments.alpha},
        tags={"kind": "linear"},
    )
    dataset = mlflow.data.from_pandas(clouds, source="https://example.com/clouds.csv", name="clouds", targets="label")
    mlflow.log_metric("accuracy", float(model.score(features, labels)), model_id=logged.model_id, dataset=dataset)
    mlflow.register_model(logged.model_uri, "clouds", tags={"by": "train.py"})
    read_back(logged, model)


def read_back(logged, model) -> None:
    client, run_id = MlflowClient(), mlflow.active_run().info.run_id
    history = client.get_metric_history(run_id, "loss")
    grid = mlflow.search_runs(filter_string="tags.kind = 'grid'", order_by=["metrics.loss DESC"])
    loaded = mlflow.sklearn.load_model(logged.model_uri)
    python = mlflow.pyfunc.load_model(f"models:/{logged.model_id}")
    run = client.get_run(run_id)
    with tempfile.TemporaryDirectory() as folder:
        text = Path(client.download_artifacts(run_id, "texts/some.txt", folder)).read_text()
    mlflow.log_params(
        {
            "read.history": [(point.step, round(point.value, 6)) for point in history],
            "read.grid": list(grid["params.depth"]),
            "read.coefficients": bool(np.array_equal(loaded.coef_, model.coef_)),
            "read.predictions": bool(np.array_equal(python.predict(features), model.predict(features))),
            "read.param": run.data.params["solver"],
            "read.artifacts": sorted(each.path for each in client.list_artifacts(run_id, "files")),
            "read.text": text[:9],
            "read.table": mlflow.load_table("table.json", run_ids=[run_id])["answer"].tolist(),
            "read.version": client.search_model_versions("name='clouds'")[0].version,
            "read.active": run_id == os.environ.get("MLFLOW_RUN_ID", run_id),
        }
    )


def train_by_itself() -> None:
    mlflow.sklearn.autolog()
    with mlflow.start_run(run_name="autolog", nested=True):
        LogisticRegression(C=2 * arguments.alpha).fit(features, labels).score(features, labels)


with mlflow.start_run(), tempfile.TemporaryDirectory() as scratch:
    log_values()
    log_artifacts(scratch)
    log_inputs()
    log_children()
    log_models()
    train_by_itself()
