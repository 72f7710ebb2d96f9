"""MLflow's tracking store in the job: files, and a record of each change.

All runs belong to one experiment, that of the training's run.
"""

import functools
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow
import yaml
from mlflow.store.tracking import file_store

from ..contract.variables import EXPERIMENT_VARIABLE, MLFLOW_STORE_VARIABLE, RUN_ID_VARIABLE
from .changes import TRACKING, describe_note
from .recorded_store import changing, record_changes
from .recording import find_spool, find_store
from .spool import Spool

_FileStore: Any = file_store.FileStore  # of which not all versions have types
_EXPERIMENT = "0"
_FORMAT = 1


@functools.cache
def open_job_spool() -> Spool:
    """Opens the spool of the job that this process belongs to."""
    return Spool(find_spool(Path(os.environ[MLFLOW_STORE_VARIABLE])))


@functools.cache
def open_job_store() -> Any:
    """Opens the store of the job that this process belongs to; the first process makes it."""
    record_changes(JobStore, open_job_spool(), TRACKING)
    return JobStore(find_store(Path(os.environ[MLFLOW_STORE_VARIABLE])), open_job_spool())


class JobStore(_FileStore):  # type: ignore[misc]
    """MLflow's file store with the run of the training.

    Args:
        folder: The store's folder.
        spool: Where changes are written; if nothing has been written there, the store is made.
    """

    def __init__(self, folder: Path, spool: Spool) -> None:
        self._spool = spool
        self._noted = set[str]()
        with spool.locked() as size, changing():
            super().__init__(str(folder))
            if size == 0:
                _edit(folder / _EXPERIMENT, name=os.environ.get(EXPERIMENT_VARIABLE) or "Default")
                run_id = os.environ[RUN_ID_VARIABLE]
                self._make_run(folder / _EXPERIMENT, run_id)
                spool.write({"op": "begin", "format": _FORMAT, "mlflow": mlflow.__version__, "run": run_id})

    def _make_run(self, folder: Path, run_id: str) -> None:
        """Makes a run of a given id, which MLflow itself does not."""
        made = super().create_run(_EXPERIMENT, "", int(time.time() * 1000), [], None).info
        shutil.rmtree(folder / run_id, ignore_errors=True)
        os.rename(folder / made.run_id, folder / run_id)
        artifacts = made.artifact_uri.replace(made.run_id, run_id)
        _edit(folder / run_id, run_id=run_id, run_uuid=run_id, artifact_uri=artifacts)

    def note(self, text: str) -> None:
        """Says once what is not recorded as the training may expect."""
        if text not in self._noted:
            self._noted.add(text)
            self._spool.write(describe_note(text))

    def get_experiment(self, experiment_id: Any) -> Any:
        return super().get_experiment(_EXPERIMENT)

    def get_experiment_by_name(self, experiment_name: str) -> Any:
        found = super().get_experiment(_EXPERIMENT)
        self._note_experiment(experiment_name, found)
        return found

    def create_experiment(self, name: str, *_: Any, **__: Any) -> Any:
        self._note_experiment(name, super().get_experiment(_EXPERIMENT))
        return _EXPERIMENT

    def _note_experiment(self, name: str, experiment: Any) -> None:
        if name != experiment.name:
            self.note(f"the experiment {name!r} is not used: a job records in that of its run, {experiment.name!r}")

    def create_run(self, experiment_id: Any, *arguments: Any, **options: Any) -> Any:
        return super().create_run(_EXPERIMENT, *arguments, **options)

    def create_logged_model(self, experiment_id: Any = _EXPERIMENT, *arguments: Any, **options: Any) -> Any:
        return super().create_logged_model(_EXPERIMENT, *arguments, **options)

    def search_runs(self, experiment_ids: Sequence[Any], *arguments: Any, **options: Any) -> Any:
        return super().search_runs([_EXPERIMENT], *arguments, **options)

    def search_logged_models(self, experiment_ids: Sequence[Any], *arguments: Any, **options: Any) -> Any:
        return super().search_logged_models([_EXPERIMENT], *arguments, **options)


def _edit(folder: Path, **changes: str) -> None:
    """Changes values in one of MLflow's files."""
    file = folder / "meta.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump({**content, **changes}, allow_unicode=True), encoding="utf-8")
