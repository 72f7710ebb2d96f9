"""Keeps what this version writes, for tests of later versions: ``python -m tests.released.build``.

To be run once for a release, from the repository's root. It trains a small project of its own with ``tg-process``, and
writes into ``tests/released/<version>/``:

- ``package.tar.gz``: the package, which has the pickled job among its resources.
- ``result.tar.gz``: the result archive.
- ``model.tar.gz``: the logged model.
- ``job.tar.gz``: what was kept of the job before it was recorded.
- ``run.json``: the tags of its run, before it was recorded.
- ``plan.json``: the plan of a sweep.
"""

import json
import os
import shutil
import tarfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow

from tests.support import ProjectFolder
from tg_mlflow.takeover.attach import attach
from tg_mlflow.takeover.run_job import find_job
from tg_mlflow.tracking.client import TrackingClient

FOLDER = Path(__file__).parent
# The project's own model, so that no version of a library is part of what is kept.
TASKS = """
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.metrics import roc_auc_score

    from tg.common.ml import single_frame_training as sft


    class Threshold(ClassifierMixin, BaseEstimator):
        def __init__(self, scale=1.0):
            self.scale = scale

        def fit(self, features, labels):
            self.classes_ = np.unique(labels)
            self.middle_ = float(np.asarray(features)[:, 0].mean())
            return self

        def predict_proba(self, features):
            distance = self.scale * (np.asarray(features)[:, 0] - self.middle_)
            likely = 1 / (1 + np.exp(-distance))
            return np.column_stack([1 - likely, likely])

        def predict(self, features):
            return self.classes_[(self.predict_proba(features)[:, 1] > 0.5).astype(int)]


    def build_task(scale: float = 1.0):
        return sft.SingleFrameTrainingTask(
            data_loader=sft.DataFrameLoader("label"),
            model_provider=sft.ModelProvider(sft.ModelConstructor("tasks:Threshold", scale=scale)),
            evaluator=sft.Evaluation.binary_classification,
            splitter=sft.FoldSplitter(1),
            metrics_pool=sft.MetricPool().add_sklearn(roc_auc_score),
        )
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters:
          scale: {type: float, default: 1.0}
        command: "tg-mlflow train tasks:build_task scale={scale}"
"""


def main() -> None:
    target = FOLDER / ".".join(version("tg-mlflow").split(".")[:2])
    target.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="released-") as name:
        folder = Path(name)
        os.chdir(folder)
        os.environ["TG_JOBS_PATH"] = str(folder / "jobs")
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        client = TrackingClient(mlflow.get_tracking_uri())
        project = ProjectFolder(folder / "points")
        project.write("MLproject", MLPROJECT)
        project.write("tasks.py", TASKS)
        detached = {"backend_config": {"detach": True}, "synchronous": False}
        run_id = mlflow.projects.run(str(project.path), backend="tg-process", **detached).run_id
        keep_job(client, run_id, folder / "jobs", target)
        attach(client, run_id)
        keep_artifacts(client, run_id, folder / "artifacts", target)
        config = {"sweep": {"scale": [1.0, 2.0]}}
        sweep_id = mlflow.projects.run(str(project.path), backend="tg-process", backend_config=config).run_id
        path = Path(client.download_artifacts(sweep_id, "sweep/plan.json", str(folder / "artifacts")))
        text = path.read_text(encoding="utf-8").replace(str(folder), "/released")
        (target / "plan.json").write_text(text, encoding="utf-8")


def keep_job(client: TrackingClient, run_id: str, jobs: Path, target: Path) -> None:
    """Keeps a job that has ended and that nobody has recorded yet, with the tags of its run."""
    found = find_job(client.get_run(run_id))
    while not found.status.is_final:
        time.sleep(0.1)
    tags = {key: value for key, value in found.run.data.tags.items() if key.startswith("tg.")}
    del tags["tg.launcher"]
    state = json.loads(tags["tg.state"])
    del state["dataset"], state["datasets_folder"]  # what is on this machine only
    tags["tg.state"] = json.dumps(state)
    (target / "run.json").write_text(json.dumps(tags, indent=1, sort_keys=True), encoding="utf-8")
    unpacked = next((jobs / found.job_id).glob("Single*-*/"))
    pack(jobs, target / "job.tar.gz", lambda path: path != unpacked and "data" not in path.parts)


def keep_artifacts(client: TrackingClient, run_id: str, folder: Path, target: Path) -> None:
    """Keeps the package, the archive and the model of a run."""
    folder.mkdir()
    package = Path(client.download_artifacts(run_id, "package", str(folder)))
    shutil.copyfile(next(package.iterdir()), target / "package.tar.gz")
    shutil.copyfile(client.download_artifacts(run_id, "result/model.tar.gz", str(folder)), target / "result.tar.gz")
    model_id = client.get_run(run_id).outputs.model_outputs[0].model_id
    model = mlflow.artifacts.download_artifacts(f"models:/{model_id}", dst_path=str(folder / "model"))
    pack(Path(model), target / "model.tar.gz", lambda path: True)


def pack(folder: Path, target: Path, is_kept: Callable[[Path], bool]) -> None:
    """Packs the content of a folder."""
    with tarfile.open(target, "w:gz") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name, filter=lambda member: member if is_kept(folder / member.name) else None)


if __name__ == "__main__":
    main()
