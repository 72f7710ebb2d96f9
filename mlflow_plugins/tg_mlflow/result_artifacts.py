"""Puts what a training has made into its MLflow run."""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from mlflow import MlflowClient

from tg.common.delivery.sagemaker import SagemakerExecutor

PACKAGE_SHA256_TAG = "tg.package_sha256"


def log_result(client: MlflowClient, run_id: str, executor: SagemakerExecutor, job_id: str) -> None:
    """Logs ``result/model.tar.gz``, ``package/<name>-<version>.tar.gz`` and ``task.json``.

    Raises:
        ResultArchiveError: If the archive is incomplete.
    """
    with executor.load_result(job_id) as archive, tempfile.TemporaryDirectory(prefix="tg-mlflow-") as folder:
        properties = json.loads(archive.get_path("package.json").read_text(encoding="utf-8"))
        package = Path(folder) / f"{properties['name']}-{properties['version']}.tar.gz"
        shutil.copyfile(archive.get_path("package.tag.gz"), package)
        client.set_tag(run_id, PACKAGE_SHA256_TAG, hashlib.sha256(package.read_bytes()).hexdigest())
        client.log_artifact(run_id, str(package), "package")
        client.log_artifact(run_id, str(archive.get_path("task.json")))
        client.log_artifact(run_id, str(archive.path), "result")
