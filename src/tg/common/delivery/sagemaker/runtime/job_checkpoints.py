"""The checkpoints of a job, which another job may go on from: of another package, at another place."""

import os
from collections import Counter
from pathlib import Path
from typing import IO, Any

from ....logger import Logger
from ....ml.training_core import Checkpoint
from ....ml.training_core.checkpoint_folder import FOLDER_NAME, CheckpointFolder, StatePickles
from ....own_root import PACKAGE_MODULE, TG_MODULE
from ...delivery.package.pickling import Rename, dump_pickle, dump_renamed_pickle, load_pickle, rename_prefix
from ..contract import own_lines
from ..contract.job_lines import RESUMED, write_job_line
from ..contract.variables import MADE_UP_RUN_ID_VARIABLE, RUN_ID_VARIABLE
from .stop_request import STOP_REQUEST

# The run that has saved a checkpoint.
RUN_NOTE = "run"


class PackagePickles(StatePickles):
    """Pickles states with the names that modules have in the package, and reads those of other packages.

    Args:
        rename: Maps a module to its name in the package, if this does not run in the package.
    """

    def __init__(self, rename: Rename | None = None) -> None:
        self._rename = rename
        renamed = TG_MODULE if rename is None else rename(TG_MODULE)
        self.package = PACKAGE_MODULE or renamed.removesuffix(TG_MODULE).rstrip(".")

    def dump(self, state: Any, file: IO[bytes]) -> None:
        if self._rename is None:
            dump_pickle(state, file)
        else:
            file.write(dump_renamed_pickle(state, self._rename)[0])

    def load(self, file: IO[bytes], package: str) -> Any:
        def find_module(module: str, name: str) -> str:
            if not package or package == PACKAGE_MODULE:
                return module
            return rename_prefix(module, {package: PACKAGE_MODULE}).removeprefix(".")

        return load_pickle(file, find_module)


class JobCheckpoints:
    """Saves and loads the checkpoints of a job, and tells its launcher from which one the training goes on.

    Points of metrics are counted, so that a training that goes on counts on, and its run keeps of the one that it
    resumes what that had said by then.

    Args:
        folder: The folder that is kept when a training is interrupted.
        rename: As :class:`PackagePickles` takes it.
    """

    def __init__(self, folder: Path, rename: Rename | None = None) -> None:
        self._folder = CheckpointFolder(folder / FOLDER_NAME, PackagePickles(rename))
        self._counts = Counter[str]()
        self._is_resumed = False
        self._has_begun = False
        self._run_id = _find_run_id()

    def count_point(self, name: str) -> int | None:
        """Counts a point of a metric; returns its number if it would not get that by itself, from 0 on."""
        name = name.strip()  # as the launcher reads it
        number = self._counts[name]
        self._counts[name] += 1
        return number if self._is_resumed else None

    def save(self, state: Any, step: int) -> None:
        """Saves a checkpoint, as :meth:`CheckpointFolder.save` does; ends the training if the job is to stop."""
        STOP_REQUEST.is_awaited = self._has_begun = True
        # Others may use the same folder: who goes on from there has to know whose history it is.
        self._folder.save(state, step, {"points": dict(self._counts), **_describe_run(self._run_id)})
        Logger.info(own_lines.SAVED_CHECKPOINT.format(step))
        STOP_REQUEST.end_if_made()

    def leave_to_leader(self) -> None:
        """Saves none, as those of the leader are those of all hosts; ends the training if the job is to stop."""
        STOP_REQUEST.is_awaited = self._has_begun = True
        STOP_REQUEST.end_if_made()

    def load_latest(self) -> Checkpoint | None:
        """Loads the last checkpoint, as :meth:`CheckpointFolder.load_latest` does."""
        STOP_REQUEST.is_awaited = True
        kept = self._folder.load_latest()
        if kept is None:
            return None
        if not self._has_begun:  # otherwise the training looks back
            self._has_begun = self._is_resumed = True
            self._counts = Counter(kept.notes.get("points", {}))
            step = kept.checkpoint.step
            Logger.info(f"The training goes on from the checkpoint of step {step}")
            run = _describe_run(kept.notes.get(RUN_NOTE))
            write_job_line({"op": RESUMED, "step": step, "points": dict(self._counts), **run})
        return kept.checkpoint


def _find_run_id() -> str | None:
    run_id = os.environ.get(RUN_ID_VARIABLE) or os.environ.get("MLFLOW_RUN_ID")  # where the job reaches the server
    return None if run_id == os.environ.get(MADE_UP_RUN_ID_VARIABLE) else run_id


def _describe_run(run_id: str | None) -> dict[str, str]:
    return {RUN_NOTE: run_id} if run_id else {}
