"""A small project to train, and what tests of several places ask a store."""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run

ROOT = Path(__file__).parent.parent

MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters:
          max_iter: {default: 100}
          C: {type: float, default: 1.0}
        command: "tg-mlflow train tasks:build_task max_iter={max_iter} C={C}"
      named:
        command: "tg-mlflow train named:build_task"
"""

TASKS = """
    from sklearn.metrics import roc_auc_score

    from tg.common.ml import single_frame_training as sft


    def build_task(max_iter: int = 100, C: float = 1.0, splits: int = 1):
        return sft.SingleFrameTrainingTask(
            data_loader=sft.DataFrameLoader("label"),
            model_provider=sft.ModelProvider(
                sft.ModelConstructor("sklearn.linear_model:LogisticRegression", max_iter=max_iter, C=C)
            ),
            evaluator=sft.Evaluation.binary_classification,
            splitter=sft.FoldSplitter(splits),
            metrics_pool=sft.MetricPool().add_sklearn(roc_auc_score),
        )
"""


class ProjectFolder:
    """A project on disk, to be changed by a test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.mkdir(parents=True)
        self.write("MLproject", MLPROJECT)
        self.write("tasks.py", TASKS)
        # Not what takes most of the time that a record takes; tests of figures and of models ask for it.
        self.write("tg.json", '{"dataset": "points.parquet", "log": {"check_model": false, "figures": false}}')
        self.write_dataset(make_points())

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    def write_dataset(self, frame: pd.DataFrame, name: str = "points.parquet") -> Path:
        file = self.path / "datasets" / "points" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(file)
        return file


def make_points(rows: int = 60) -> pd.DataFrame:
    """Two overlapping clouds: ``x`` tells the label, but not surely."""
    random = np.random.default_rng(0)
    label = np.arange(rows) % 2
    return pd.DataFrame({"x": label + random.normal(size=rows), "y": random.normal(size=rows), "label": label})


def all_runs(client: MlflowClient) -> list[Run]:
    """Every run in the store, the oldest first."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return client.search_runs(experiments, order_by=["attributes.start_time ASC"])
