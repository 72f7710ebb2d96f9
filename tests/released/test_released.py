"""What released versions have written can still be loaded, attached, resumed and served.

A change that breaks one of these has to say so in the release's notes, and to keep the old form readable or name the
version that reads it. ``tests/released/build.py`` makes the files.
"""

import json
import shutil
import tarfile
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from tests.support import make_points
from tg.common.delivery.delivery import install_package_and_get_loader
from tg.common.delivery.sagemaker import ResultArchive, SagemakerJob
from tg.common.ml.training_core import InMemoryTrainingEnvironment
from tg.common.system.tar_extraction import extract_files
from tg_mlflow.sweeps.record import read_sweep
from tg_mlflow.takeover.attach import attach
from tg_mlflow.tracking.client import TrackingClient

RELEASES = sorted(path for path in Path(__file__).parent.iterdir() if path.name[0].isdigit())
# Of the project's model on the points, however it is run; found when version 0.1 was kept.
SCORE = 0.9875
PROBABILITIES = [0.3711451439747014, 0.5535087232042454, 0.4968463324624651]

pytestmark = pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)


def test_a_package_is_loaded_and_its_job_trains(release: Path, tmp_path: Path) -> None:
    path = tmp_path / "package.tar.gz"
    shutil.copyfile(release / "package.tar.gz", path)
    loader = install_package_and_get_loader(path)
    job = loader.load_resource("job")
    assert type(job).__name__ == SagemakerJob.__name__
    data = tmp_path / "points.parquet"
    make_points().to_parquet(data)
    environment = InMemoryTrainingEnvironment()
    job.task.run_with_environment(data, environment)
    assert environment.result["metrics"]["roc_auc_score_test"] == SCORE


def test_a_result_archive_is_opened_and_its_model_predicts(release: Path) -> None:
    with ResultArchive(release / "result.tar.gz") as archive:
        archive.check_complete()
        assert {"package.json", "package.tag.gz", "task.json", "runs/0/result_df.parquet"} <= set(archive.list())
        task = archive.unpickle("runs/0/training_task.pkl")
        model = task.model if hasattr(task, "model") else archive.unpickle("runs/0/model.pkl")
        predicted = model.predict_proba(make_points().head(3)[["x", "y"]])[:, 1]
    np.testing.assert_allclose(predicted, PROBABILITIES, rtol=1e-12)


def test_a_job_that_a_release_has_left_is_attached(
    release: Path, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    with tarfile.open(release / "job.tar.gz") as archive:
        archive.extractall(tmp_path / "jobs", filter="tar")
    tags = json.loads((release / "run.json").read_text(encoding="utf-8"))
    run_id = store.create_run(mlflow.tracking.fluent._get_experiment_id(), tags=tags).info.run_id
    attach(TrackingClient(store.tracking_uri), run_id)
    run = store.get_run(run_id)
    assert (run.info.status, run.data.metrics["roc_auc_score_test"]) == ("FINISHED", SCORE)
    assert "tg.missing" not in run.data.tags
    assert list((tmp_path / "jobs").iterdir()) == []
    model = mlflow.sklearn.load_model(f"runs:/{run_id}/model")  # with the code of that version
    np.testing.assert_allclose(model.predict_proba(make_points().head(3)[["x", "y"]])[:, 1], PROBABILITIES, rtol=1e-12)


def test_a_logged_model_is_served(release: Path, tmp_path: Path) -> None:
    with tarfile.open(release / "model.tar.gz") as archive:
        extract_files(archive, tmp_path / "model")
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    rows = make_points().head(3)[["x", "y"]]
    predicted = model.predict(rows, params={"predict_method": "predict_proba"})[:, 1]
    np.testing.assert_allclose(predicted, PROBABILITIES, rtol=1e-12)
    assert list(model.predict(pd.DataFrame(rows))) == [0, 1, 0]


def test_the_plan_of_a_sweep_is_read(release: Path, store: MlflowClient, tmp_path: Path) -> None:
    run_id = store.create_run(mlflow.tracking.fluent._get_experiment_id()).info.run_id
    store.log_artifact(run_id, str(release / "plan.json"), "sweep")
    plan = read_sweep(TrackingClient(store.tracking_uri), run_id, tmp_path)
    assert (plan.place, plan.project_name, plan.config["sweep"]) == ("tg-process", "points", {"scale": [1.0, 2.0]})
    assert [(each.name, each.combination, each.params) for each in plan.members] == [
        ("S1.0", {"scale": 1.0}, {"scale": "1.0"}),
        ("S2.0", {"scale": 2.0}, {"scale": "2.0"}),
    ]
