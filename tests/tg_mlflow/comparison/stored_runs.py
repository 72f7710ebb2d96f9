"""Runs in a store to be compared."""

import json
import shutil
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric


def create_run(store: MlflowClient, **tags: str) -> str:
    experiment = store.get_experiment_by_name("test")
    run_id: str = store.create_run(experiment.experiment_id, tags=tags).info.run_id
    return run_id


def create_released_run(store: MlflowClient, release: Path, folder: Path) -> str:
    """Creates a finished run with the artifacts and tags that a release has written."""
    run_id = create_run(store, **json.loads((release / "run.json").read_text(encoding="utf-8")))
    for name, artifact in (("package.tar.gz", "package/Task-1.tar.gz"), ("result.tar.gz", "result/model.tar.gz")):
        path = folder / Path(artifact).name
        shutil.copyfile(release / name, path)
        store.log_artifact(run_id, str(path), artifact.partition("/")[0])
    store.log_batch(run_id, [Metric("roc_auc_score_test", 0.9875, 1, 0), Metric("tg.training_seconds", 3, 1, 0)])
    store.set_terminated(run_id)
    return run_id
