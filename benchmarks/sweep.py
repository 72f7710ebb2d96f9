"""How much longer a sweep takes than its trainings on two cores: 12 of 20 seconds each, and 24 of one second each.

Measured is the command ``mlflow run --backend tg-process`` of a project with a sweep, from its start to its end: all
that Python imports, the package, a process for each training, the records of the runs with their figures, tables,
dataset and model, and the summary of the sweep. The store is a file of sqlite that is there already. A training is one
of scikit-learn that uses one thread; as its time counts only how long ``fit`` takes, by a clock in the task itself. Not
its process's start, reading the data, evaluation or storing results. The ideal time is half the sum of these times.

While a training runs, so does the launcher, and what it takes from the two cores makes ``fit`` take longer, too. So the
details also tell the ratio to the processor time that ``fit`` has used: that would be the time on cores of its own.

Before anything is said, all runs must have ended well, each with its whole record, and each score must be the one that
is computed anew from the predictions in the archive.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from sklearn.datasets import make_classification
from sklearn.metrics import roc_auc_score

from harness import Figure, Scale, run, time_command
from tg.common.delivery.sagemaker import ResultArchive

CORES = 2


@dataclass(frozen=True)
class Measured:
    """A sweep that is measured.

    Attributes:
        trees: How many trees each training grows; some 36 a second.
        grid: The values of its parameters.
        wanted: How many times the ideal time it may take.
        name: The figure's.
    """

    trees: int
    grid: Mapping[str, list[float]]
    wanted: float
    name: str

    @property
    def count(self) -> int:
        """How many trainings it has."""
        return len(self.grid["learning_rate"]) * len(self.grid["min_samples_leaf"])


LONG = Measured(730, {"learning_rate": [0.05, 0.1, 0.2, 0.4], "min_samples_leaf": [1, 10, 40]}, 1.12, "sweep.long")
SHORT = Measured(
    36, {"learning_rate": [0.05, 0.1, 0.15, 0.2, 0.3, 0.4], "min_samples_leaf": [1, 10, 40, 80]}, 2, "sweep.short"
)

TASKS = '''
"""Tells two classes apart with trees, and measures how long it takes to grow them."""

import time

from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from tg.common.ml import single_frame_training as sft
from tg.common.ml.training_core import Artificier


class TimedTrees(GradientBoostingClassifier):
    def fit(self, features, labels):
        start, cpu_start = time.perf_counter(), time.process_time()
        super().fit(features, labels)
        self.fit_seconds = time.perf_counter() - start
        self.fit_cpu_seconds = time.process_time() - cpu_start
        return self


class FitTimes(Artificier):
    def run_before_storage(self, result):
        result.metrics["fit_seconds"] = result.model[-1].fit_seconds
        result.metrics["fit_cpu_seconds"] = result.model[-1].fit_cpu_seconds


def build_task(trees: int, learning_rate: float, min_samples_leaf: int) -> sft.SingleFrameTrainingTask:
    return sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("label"),
        model_provider=sft.ModelProvider(
            sft.ModelConstructor(
                "tasks:TimedTrees",
                n_estimators=trees,
                learning_rate=learning_rate,
                min_samples_leaf=min_samples_leaf,
                random_state=0,
            )
        ),
        evaluator=sft.Evaluation.binary_classification,
        splitter=sft.FoldSplitter(),
        metrics_pool=sft.MetricPool().add_sklearn(roc_auc_score),
        artificiers=[FitTimes()],
    )
'''
MLPROJECT = """
name: trees
entry_points:
  main:
    parameters: {trees: {default: 730}, learning_rate: {default: 0.1}, min_samples_leaf: {default: 1}}
    command: "tg-mlflow train tasks:build_task trees={trees} learning_rate={learning_rate}
      min_samples_leaf={min_samples_leaf}"
"""


def pin_to_cores() -> None:
    """Leaves this process, and all that it starts, two cores, and each of their libraries one thread."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < CORES:
        sys.exit(f"there are {len(allowed)} cores, and {CORES} are needed")
    os.sched_setaffinity(0, allowed[:CORES])
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def write_project(folder: Path) -> None:
    data = folder / "datasets" / "trees"
    data.mkdir(parents=True)
    (folder / "tasks.py").write_text(TASKS, encoding="utf-8")
    (folder / "MLproject").write_text(MLPROJECT, encoding="utf-8")
    features, label = make_classification(8000, 20, n_informative=10, flip_y=0.1, random_state=0)
    frame = pd.DataFrame(features, columns=[f"x{number}" for number in range(features.shape[1])])
    frame.assign(label=label).to_parquet(data / "points.parquet")


def measure_seconds(folder: Path, tracking_uri: str, experiment_id: str, measured: Measured) -> float:
    """Runs the sweep and returns how long the command takes."""
    config = {
        "dataset": "points.parquet",
        "sweep": measured.grid,
        "max_parallel": CORES,
        "primary_metric": "roc_auc_score_test",
    }
    mlflow = Path(sys.executable).parent / "mlflow"
    command = [mlflow, "run", folder / "trees", "-b", "tg-process", "-P", f"trees={measured.trees}"]
    variables = {
        "MLFLOW_TRACKING_URI": tracking_uri,
        "MLFLOW_EXPERIMENT_ID": experiment_id,
        "TG_JOBS_PATH": str(folder / "jobs"),
    }
    return time_command([*command, "--backend-config", json.dumps(config)], {**os.environ, **variables})


def check_runs(client: MlflowClient, experiment_id: str, folder: Path, measured: Measured) -> list[Run]:
    """Raises AssertionError unless the sweep's runs hold all that they should; returns the children."""
    runs = client.search_runs([experiment_id])
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(runs) == len(children) + 1 == measured.count + 1, (len(runs), len(children))
    assert {each.info.status for each in runs} == {"FINISHED"}
    assert not [run for run in runs if "tg.missing" in run.data.tags]
    combinations = {(run.data.params["learning_rate"], run.data.params["min_samples_leaf"]) for run in children}
    assert combinations == {
        (str(rate), str(leaf)) for rate in measured.grid["learning_rate"] for leaf in measured.grid["min_samples_leaf"]
    }
    for each in children:
        check_child(client, each, folder)
    best = max(run.data.metrics["roc_auc_score_test"] for run in children)
    assert parent.data.metrics["roc_auc_score_test"] == best
    assert {each.path for each in client.list_artifacts(parent.info.run_id, "sweep")} >= {
        "sweep/summary.csv",
        "sweep/summary.json",
        "sweep/parallel_coordinates.png",
    }
    return children


def check_child(client: MlflowClient, child: Run, folder: Path) -> None:
    """Raises AssertionError unless a run has its whole record and the score of its archived model."""
    run_id = child.info.run_id
    found = {each.path for each in client.list_artifacts(run_id)}
    assert found == {"environment.json", "figures", "logs", "package", "result", "tables", "task.json"}, found
    assert len(child.inputs.dataset_inputs) == 1
    (model,) = child.outputs.model_outputs
    assert str(client.get_logged_model(model.model_id).status) == "READY"
    with ResultArchive(Path(client.download_artifacts(run_id, "result/model.tar.gz", str(folder)))) as archive:
        archive.check_complete()
        assert archive.unpickle("runs/0/model.pkl")[-1].learning_rate == float(child.data.params["learning_rate"])
        predictions = pd.read_parquet(archive.get_path("runs/0/result_df.parquet"))
    tests = predictions[predictions["stage"] != "train"]
    score = roc_auc_score(tests["true"], tests["predicted"])
    assert child.data.metrics["roc_auc_score_test"] == score > 0.8, (score, child.data.metrics)


def measure_sweep(measured: Measured) -> Figure:
    """Runs and checks a sweep."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(folder / "trees")
        client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
        experiment_id = client.create_experiment("trees", artifact_location=(folder / "artifacts").as_uri())
        seconds = measure_seconds(folder, client.tracking_uri, experiment_id, measured)
        children = check_runs(client, experiment_id, folder, measured)
    fit, cpu = (
        sum(each.data.metrics[name] for each in children) / CORES for name in ("fit_seconds", "fit_cpu_seconds")
    )
    return Figure(
        measured.name,
        f"a sweep of {measured.count} trainings of {fit * CORES / measured.count:.2g} s on {CORES} cores",
        seconds / fit,
        against="the ideal time",
        wanted=measured.wanted,
        details=f"{seconds:.1f} s against {fit:.1f} s; {seconds / cpu:.2f}x the processor time that they need",
    )


def measure(scale: Scale) -> Iterator[Figure]:
    pin_to_cores()
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    for each in (SHORT,) if scale.short else (LONG, SHORT):
        yield measure_sweep(each)


if __name__ == "__main__":
    run(measure, __doc__ or "")
