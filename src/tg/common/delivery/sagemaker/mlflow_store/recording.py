"""Lets a training record with MLflow where there is no tracking server."""

import importlib.util
import json
import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ....own_root import PACKAGE_MODULE
from ..contract.ml_folder import MlFolder
from ..contract.variables import MADE_UP_RUN_ID_VARIABLE, MLFLOW_STORE_VARIABLE, RUN_ID_VARIABLE

TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"


@contextmanager
def recording_mlflow(folder: MlFolder, params: Mapping[str, str]) -> Iterator[None]:
    """Lets MLflow, in this process and in those that it starts, record into the training's run.

    Each change is passed on to the job's log while the context is open; at its end, the artifacts are moved into the
    result archive. Where MLflow is not installed, or the job has a tracking server, nothing happens.

    Args:
        folder: The job's folder.
        params: What the run has as params already, which the training may read back.
    """
    if not PACKAGE_MODULE or TRACKING_VARIABLE in os.environ or not _has_mlflow():
        yield
        return
    # What follows is imported only where it is needed.
    from .artifacts import moving_artifacts
    from .finishing import finishing_mlflow
    from .spool_relay import SpoolRelay
    from .store_folder import StoreFolder

    files = StoreFolder(folder.mlflow.absolute())
    files.root.mkdir(parents=True, exist_ok=True)
    files.params.write_text(json.dumps(dict(params)), encoding="utf-8")
    # For as long as this process lives: MLflow may have something to do at its end.
    os.environ.update(_build_variables(files.root))
    moving = moving_artifacts(files.runs, folder.mlflow_artifacts)
    with moving, SpoolRelay(files.spool), finishing_mlflow(files.spool):
        yield


def _has_mlflow() -> bool:
    return "mlflow" in sys.modules or importlib.util.find_spec("mlflow") is not None


def _build_variables(folder: Path) -> dict[str, str]:
    given = os.environ.get(RUN_ID_VARIABLE)
    run_id = given or uuid.uuid4().hex
    address = f"tg-job:{folder}"
    return {
        MLFLOW_STORE_VARIABLE: str(folder),
        RUN_ID_VARIABLE: run_id,
        **({} if given else {MADE_UP_RUN_ID_VARIABLE: run_id}),
        TRACKING_VARIABLE: address,
        "GIT_PYTHON_REFRESH": "quiet",  # or MLflow would complain where there is no Git
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "MLFLOW_EXPERIMENT_ID": "0",
        "MLFLOW_REGISTRY_URI": address,  # or MLflow would look for PySpark at each call
        "MLFLOW_RUN_ID": run_id,
    }
