"""What a run's models are for MLflow: few files, flavors of libraries, metrics and a dataset."""

import zipfile
from pathlib import Path

import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Metric
from sklearn.metrics import brier_score_loss, roc_auc_score

from tests.tg_mlflow.results.ended_job import Job, build_task
from tests.tg_mlflow.results.unusual_tasks import measure_nothing
from tg.common.ml import dft
from tg.common.ml import single_frame_training as sft

pytestmark = pytest.mark.usefixtures("jobs")

MODELS_ALONE = {"figures": False, "tables": False}
# What MLflow puts beside a model that it has downloaded.
META = {"registered_model_meta"}


def log_points(job: Job, *points: tuple[str, float, int]) -> None:
    """Logs what the launcher has read in the job's output before."""
    metrics = [
        Metric(name, value, 1_800_000_000_000 + number, step) for number, (name, value, step) in enumerate(points)
    ]
    job.store.log_batch(job.run_id, metrics=metrics)


def rank(job: Job, metric: str) -> list[str]:
    """The names of all models, the best one first, as MLflow finds them."""
    experiment = job.store.get_run(job.run_id).info.experiment_id
    order = [{"field_name": f"metrics.{metric}", "ascending": False}]
    return [each.name for each in job.store.search_logged_models([experiment], order_by=order)]


def read_metrics(model: LoggedModel) -> list[tuple[str, float, int, str | None]]:
    return sorted((each.key, each.value, each.step, each.dataset_name) for each in model.metrics or ())


def test_a_model_is_few_files_which_mlflows_module_for_scikit_learn_loads_too(
    tmp_path: Path, store: MlflowClient
) -> None:
    task = build_task()
    task.model_provider.constructor = sft.ModelConstructor("sklearn.ensemble:RandomForestClassifier", n_estimators=3)
    task.model_provider.transformer = dft.DataFrameTransformerFactory.default_factory()
    job = Job(tmp_path, store, task)
    assert "tg.missing" not in job.log(job.dataset, **MODELS_ALONE).data.tags
    folder = Path(mlflow.artifacts.download_artifacts(f"runs:/{job.run_id}/model"))
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - META == {
        "MLmodel",
        "code/Points__0/__init__.py",
        "code/Points__0/code.zip",
        "conda.yaml",
        "data/model.pkl",
        "input_example.json",
        "python_env.yaml",
        "requirements.txt",
        "serving_input_example.json",
    }
    with zipfile.ZipFile(folder / "code/Points__0/code.zip") as code:
        assert len(code.namelist()) > 100
        assert {name.partition("/")[0] for name in code.namelist()} == {"Points__0"}
    model, served = mlflow.sklearn.load_model(folder), mlflow.pyfunc.load_model(folder)
    assert (type(model).__name__, type(model[-1]).__name__) == ("TrainingPipeline", "RandomForestClassifier")
    assert sorted(served.metadata.flavors) == ["python_function", "sklearn"]
    features = pd.read_parquet(job.dataset)[["x", "y"]]
    scores = served.predict(features, params={"predict_method": "predict_proba"})
    np.testing.assert_array_equal(model.predict_proba(features), scores)


def measured_task(splits: int) -> sft.SingleFrameTrainingTask:
    task = build_task(splits)
    task.metrics_pool.add_sklearn(roc_auc_score, name="auc")
    task.metrics_pool.add_sklearn(brier_score_loss, name="loss@5")
    task.metrics_pool.add_sklearn(measure_nothing, name="nothing")
    return task


def test_a_model_has_the_means_of_its_run_and_the_dataset(tmp_path: Path, store: MlflowClient) -> None:
    job = Job(tmp_path, store, measured_task(2))
    store.set_tag(job.run_id, "tg.metric_names", '{"loss_5_test": "loss@5_test"}')
    log_points(job, ("fold_auc_test", 0.25, 0), ("fold_auc_test", 1.0, 1), ("auc_test", 0.75, 0))
    log_points(job, ("loss_5_test", 0.5, 0), ("nothing_test", float("nan"), 0), ("other", 7.0, 0))
    for _ in range(2):
        run = job.log(job.dataset, **MODELS_ALONE)
        (model,) = job.models()
        assert read_metrics(model) == [
            ("auc_test", 0.75, 0, "points.parquet"),
            ("loss_5_test", 0.5, 0, "points.parquet"),
        ]
    assert {each.dataset_digest for each in model.metrics} == {run.inputs.dataset_inputs[0].dataset.digest}
    assert [each.value for each in store.get_metric_history(job.run_id, "auc_test")] == [0.75]
    assert "tg.missing" not in run.data.tags


def test_each_fold_has_its_model_where_that_is_asked_for(tmp_path: Path, store: MlflowClient) -> None:
    job = Job(tmp_path, store, measured_task(3))
    log_points(job, *(("fold_auc_test", value, fold) for fold, value in enumerate([0.5, 1.0, 0.75])))
    log_points(job, ("auc_test", 0.75, 0))
    for _ in range(2):
        run = job.log(None, **MODELS_ALONE, dataset=False, models="fold")
        assert rank(job, "fold_auc_test") == ["fold_1", "fold_2", "fold_0"]
    models = {each.name: each for each in job.models()}
    assert read_metrics(models["fold_2"]) == [("fold_auc_test", 0.75, 2, None)]
    outputs = {each.step: each.model_id for each in run.outputs.model_outputs}
    assert outputs == {number: models[f"fold_{number}"].model_id for number in range(3)}
    with job.archive() as archive:
        expected = archive.unpickle("runs/2/model.pkl")
    features = pd.read_parquet(job.dataset)[["x", "y"]]
    served = mlflow.pyfunc.load_model(f"runs:/{job.run_id}/fold_2")
    scores = served.predict(features, params={"predict_method": "predict_proba"})
    np.testing.assert_array_equal(scores, expected.predict_proba(features))
