"""MLflow's tracking store in the job: files, and a record of each change.

All runs belong to one experiment, that of the training's run.
"""

import contextlib
import copy
import functools
import json
import os
import shutil
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mlflow
import yaml
from mlflow.entities import Param, RunTag
from mlflow.exceptions import MissingConfigException, MlflowException
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking import file_store

from ..contract.variables import EXPERIMENT_VARIABLE, RUN_ID_VARIABLE
from .changes import TRACKING, describe_note
from .recorded_store import changing, recording_changes
from .spool import Spool, open_spool
from .store_folder import StoreFolder, find_store_folder
from .whole_files import write_whole

_FileStore: Any = file_store.FileStore  # of which not all versions have types
_EXPERIMENT = "0"
_INFO_NAME = "meta.yaml"
_MODEL_HISTORY = "mlflow.log-model.history"
_FORMAT = 1
# How long a folder may be without its file; a process that was killed leaves it so.
_MAKING_SECONDS = 5


def open_job_store() -> "JobStore":
    """Opens the store of the job that this process belongs to; the first process makes it."""
    files = find_store_folder()
    return _open_store(files.runs, open_spool(files.spool))


@functools.cache
def _open_store(folder: Path, spool: Spool) -> "JobStore":
    return JobStore(folder, spool)


@recording_changes(TRACKING)
class JobStore(_FileStore):  # type: ignore[misc]
    """MLflow's file store with the run of the training.

    Args:
        folder: The store's folder.
        spool: Where changes are written; if nothing has been written there, the store is made.
    """

    def __init__(self, folder: Path, spool: Spool) -> None:
        self.spool = spool
        self._noted = set[str]()
        self._infos: dict[str, tuple[Any, Any]] = {}  # by run, each with the version of its file
        vars(file_store)["write_to"] = functools.partial(write_whole, folder.parent)
        with spool.locked() as size, changing(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # some versions would have another store
            super().__init__(folder.as_uri())
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
        given = StoreFolder(Path(self.root_directory).parent).params
        for key, value in json.loads(given.read_text(encoding="utf-8")).items() if given.exists() else ():
            with contextlib.suppress(MlflowException):  # of a key or a value that no run can have
                super().log_param(run_id, Param(key, value))

    def note(self, text: str) -> None:
        """Says once what is not recorded as the training may expect."""
        if text not in self._noted:
            self._noted.add(text)
            self.spool.write(describe_note(text))

    def get_experiment(self, experiment_id: Any) -> Any:
        found = super().get_experiment(_EXPERIMENT)
        if experiment_id is not None and str(experiment_id) != _EXPERIMENT:
            self._note_experiment(str(experiment_id), found)
        return found

    def get_experiment_by_name(self, experiment_name: str) -> Any:
        found = super().get_experiment(_EXPERIMENT)
        self._note_experiment(experiment_name, found)
        return found

    def create_experiment(self, name: str, *_: Any, **__: Any) -> Any:
        self._note_experiment(name, super().get_experiment(_EXPERIMENT))
        return _EXPERIMENT

    def delete_experiment(self, experiment_id: Any) -> None:
        self.note("a job does not delete experiments")

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

    def get_metric_history(self, *arguments: Any, **options: Any) -> Any:
        """Returns each point once, as a server does: for each model of a run, MLflow logs the run's points again."""
        found = super().get_metric_history(*arguments, **options)
        points: dict[Any, Any] = {}
        for each in found:
            points.setdefault((each.step, each.timestamp, repr(each.value)), each)
        return PagedList(list(points.values()), found.token)

    def record_logged_model(self, run_id: str, *arguments: Any, **options: Any) -> None:
        super().record_logged_model(run_id, *arguments, **options)
        history = super().get_run(run_id).data.tags[_MODEL_HISTORY]
        self.set_tag(run_id, RunTag(_MODEL_HISTORY, history))  # a change that is recorded

    def _get_all_inputs(self, run_info: Any) -> Any:
        return _read_whole(super()._get_all_inputs, run_info)

    def _get_all_outputs(self, run_info: Any) -> Any:
        return _read_whole(super()._get_all_outputs, run_info)

    # MLflow lists folders and reads YAML for each metric, which takes ten times as long as to write it.

    def _get_experiment_path(self, experiment_id: Any, *_: Any, **__: Any) -> str:
        return os.path.join(self.root_directory, _EXPERIMENT)

    def _get_run_info(self, run_uuid: str) -> Any:
        try:
            status = os.stat(os.path.join(self.root_directory, _EXPERIMENT, run_uuid, _INFO_NAME))
        except OSError:
            return super()._get_run_info(run_uuid)  # which says what is wrong
        version = status.st_mtime_ns, status.st_ino, status.st_size
        known = self._infos.get(run_uuid)
        if known is None or known[0] != version:
            known = self._infos[run_uuid] = version, super()._get_run_info(run_uuid)
        return copy.copy(known[1])

    def _overwrite_run_info(self, run_info: Any, *arguments: Any, **options: Any) -> None:
        super()._overwrite_run_info(run_info, *arguments, **options)
        self._infos.pop(run_info.run_id, None)


def _read_whole(read: Callable[[Any], Any], run_info: Any) -> Any:
    """Reads what another thread or process may be making: MLflow makes a folder, and then the file in it."""
    deadline = time.monotonic() + _MAKING_SECONDS
    while True:
        try:
            return read(run_info)
        except MissingConfigException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _edit(folder: Path, **changes: str) -> None:
    """Changes values in one of MLflow's files."""
    file = folder / _INFO_NAME
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump({**content, **changes}, allow_unicode=True), encoding="utf-8")
