"""Trainings that record with MLflow, in a module that imports little: a package has all that it imports."""

import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment

SCRIPT = """
import os, mlflow
with mlflow.start_run(run_name="script"):
    mlflow.log_metric("in_script", 4)
    os._exit(0)
"""


class Task(AbstractTrainingTask):
    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        import mlflow

        if self.what == "record":
            _record(environment)
        elif self.what == "log a model":
            _log_model(environment)
        elif self.what == "fail":
            mlflow.start_run()
            mlflow.start_run(nested=True)
            mlflow.log_metric("last", 1)
            _log_folders()
            raise ValueError("no luck")
        elif self.what == "wait":
            with mlflow.start_run():
                mlflow.log_metric("last", 1)
                environment.log("waiting")
                threading.Event().wait()


def _record(environment: TrainingEnvironment) -> None:
    import mlflow

    mlflow.set_tracking_uri("http://user:word@localhost:5000/a?token=word")
    mlflow.set_experiment("theirs")
    with mlflow.start_run() as run:
        environment.log(f"active {run.info.run_id}")
        mlflow.log_param("alpha", 0.5)
        mlflow.log_metric("loss", 0.25, step=3)
        with mlflow.start_run(nested=True, run_name="child"):
            mlflow.log_metric("loss", 0.125)
        Path("notes.txt").write_text("hello")
        mlflow.log_artifact("notes.txt", "sub")
        Path("large.bin").write_bytes(bytes(70_000))
        mlflow.log_artifact("large.bin")
        for method in ("fork", "spawn"):
            with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as workers:
                workers.submit(log_one, run.info.run_id, method).result()
        thread = threading.Thread(target=log_one, args=[run.info.run_id, "thread"])
        thread.start()
        thread.join()
        read = mlflow.get_run(run.info.run_id).data
        environment.log(f"read {read.params} {dict(sorted(read.metrics.items()))}")
    subprocess.run([sys.executable, "-c", SCRIPT], env={**os.environ, "MLFLOW_RUN_ID": ""}, check=True)
    mlflow.set_tracking_uri("./mlruns")
    mlflow.start_run(run_name="left open")


def _log_folders() -> None:
    import mlflow

    for name, content in {"made/deep/a.txt": "hello", "made/large.bin": "x" * 70_000, "model/MLmodel": "{}"}.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content)
    mlflow.log_artifacts("made", "all")
    mlflow.log_artifacts("model", "model")


def log_one(run_id: str, name: str) -> None:
    """Logs a metric from elsewhere."""
    from mlflow import MlflowClient

    MlflowClient().log_metric(run_id, name, 1)


def _log_model(environment: TrainingEnvironment) -> None:
    import mlflow
    from mlflow.pyfunc.model import PythonModel

    class Doubling(PythonModel):
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return model_input * 2

    with mlflow.start_run():
        info = mlflow.pyfunc.log_model(
            name="doubling", python_model=Doubling(), pip_requirements=[], registered_model_name="doubles"
        )
    environment.log(f"predicts {mlflow.pyfunc.load_model(info.model_uri).predict(21)}")
    environment.log(f"predicts {mlflow.pyfunc.load_model('models:/doubles/1').predict(4)}")
    mlflow.MlflowClient().set_registered_model_alias("doubles", "best", "1")
