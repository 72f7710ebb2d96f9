"""A job that has ended, whose results are logged into a run."""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Run

from tests.support import make_points
from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.sagemaker import (
    ResultArchive,
    SagemakerAttachedExecutor,
    SagemakerConfig,
    SagemakerJob,
    SagemakerOptions,
)
from tg.common.ml import single_frame_training as sft
from tg.common.ml.training_core import AbstractTrainingTask
from tg_mlflow.places.config import LogConfig
from tg_mlflow.results.artifacts import log_result
from tg_mlflow.tracking.client import TrackingClient


def build_task(splits: int = 1) -> sft.SingleFrameTrainingTask:
    return sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("label", sample=1.0),
        model_provider=sft.ModelProvider(sft.ModelConstructor("sklearn.linear_model:LogisticRegression")),
        evaluator=sft.Evaluation.binary_classification,
        splitter=sft.FoldSplitter(splits),
    )


class Job:
    """A job that has ended, and the run that its results are logged into."""

    def __init__(
        self, folder: Path, store: MlflowClient, task: AbstractTrainingTask, data: pd.DataFrame | None = None
    ) -> None:
        self.store = store
        self.client = TrackingClient(store.tracking_uri)
        self.dataset = folder / "datasets" / "points" / "points.parquet"
        self.dataset.parent.mkdir(parents=True)
        (make_points() if data is None else data).to_parquet(self.dataset)
        job, options = SagemakerJob(task), SagemakerOptions(None, None, "points", folder / "datasets", "points.parquet")
        packaging = Packaging("Points", "0", {"job": job})
        packaging.project_folder, packaging.silent = folder / "project", True
        packaging.project_folder.mkdir()
        config = SagemakerConfig(job, packaging, Containering.from_packaging(packaging), options)
        self.executor = SagemakerAttachedExecutor(config)
        self.job_id = self.executor.submit()
        self.run_id = store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id

    def log(self, dataset: Path | None = None, /, **log: Any) -> Run:
        config = LogConfig(**{"check_model": False, **log})
        log_result(self.client, self.run_id, self.executor.executor, self.job_id, dataset, config)
        return self.store.get_run(self.run_id)

    def files(self, folder: str | None = None) -> set[str]:
        return {each.path for each in self.store.list_artifacts(self.run_id, folder)}

    def models(self) -> list[LoggedModel]:
        experiment = self.store.get_run(self.run_id).info.experiment_id
        return list(self.store.search_logged_models([experiment]))

    def archive(self) -> ResultArchive:
        return self.executor.load_result(self.job_id)
