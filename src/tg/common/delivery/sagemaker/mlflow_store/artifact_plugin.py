"""MLflow's plug-in for artifacts in files, where the job's store keeps them."""

import os
from typing import Any

from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from ..contract.variables import MLFLOW_STORE_VARIABLE


def open_artifact_repository(*arguments: Any, **options: Any) -> Any:
    """Opens a folder of artifacts, in a job one that also records small files."""
    if MLFLOW_STORE_VARIABLE not in os.environ:
        return LocalArtifactRepository(*arguments, **options)
    from .artifact_repository import JobArtifactRepository

    return JobArtifactRepository(*arguments, **options)
