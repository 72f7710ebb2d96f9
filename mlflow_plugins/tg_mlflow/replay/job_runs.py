"""The runs of a job on the tracking server: the training's own, and those that its code has started besides."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from mlflow.entities import Run, RunStatus
from mlflow.utils import mlflow_tags

from tg_mlflow.replay.record_stream import Record
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.job_runs import find_job_runs, map_ids
from tg_mlflow.tracking.new_run import create_run_once
from tg_mlflow.tracking.search import is_deleted, is_running
from tg_mlflow.tracking.stop_reasons import write_stop_reason
from tg_mlflow.tracking.tags import GIT_DIRTY_TAG, JOB_RUN_TAG, OWN_PREFIX, TRAINING_RUN_TAG

# What a run or a model is from: the launcher knows it, and a job does not.
_ORIGIN = (mlflow_tags.MLFLOW_USER, "mlflow.source.", "mlflow.project.", GIT_DIRTY_TAG)
_FAILED = tuple(RunStatus.to_string(each) for each in (RunStatus.FAILED, RunStatus.KILLED))
_KEPT = (*_ORIGIN, OWN_PREFIX, mlflow_tags.MLFLOW_PARENT_RUN_ID)


class JobRuns:
    """Maps the ids that a job's runs and models have there to those on the server; creates its further runs.

    Args:
        client: The tracking server's.
        run_id: The run of the training.

    Attributes:
        ids: The ids on the server by those in the job, of runs and of models, as far as they are known.
        failed_as: As what the job's code has ended the training's own run; ``None`` if not as one that has failed.
    """

    def __init__(self, client: TrackingClient, run_id: str) -> None:
        self.ids: dict[str, str] = {run_id: run_id}
        self.failed_as: str | None = None
        self._client = client
        self._run_id = run_id
        self._deleted: set[str] = set()
        # Further runs of this attempt, and those of others that it has not gone on with: name and parent by id.
        self._opened: dict[str, tuple[str, str]] = {}
        self._left: dict[str, tuple[str, str]] = {}

    @cached_property
    def training(self) -> Run:
        """The training's run, as it was at the first question."""
        return self._client.get_run(self._run_id)

    @cached_property
    def origin(self) -> dict[str, str]:
        """The tags that say what the training is from, and thus all that its job makes."""
        return {key: value for key, value in self.training.data.tags.items() if key.startswith(_ORIGIN)}

    def is_training(self, local_id: str) -> bool:
        """Whether an id is that of the training's own run."""
        return self.find(local_id) == self._run_id

    def is_deleted(self, local_id: str) -> bool:
        """Whether the job has deleted a run of its own."""
        return self.find(local_id) in self._deleted

    def begin(self, record: Record) -> None:
        """Begins an attempt of the job."""
        self.ids[record["run"]] = self._run_id
        self._left |= self._opened
        self._opened = {}
        self.failed_as = None

    def find(self, local_id: str) -> str:
        """Finds a run.

        Raises:
            LookupError: If there is none.
        """
        if local_id not in self.ids:
            self._earlier  # noqa: B018 - whoever recorded the job before may have created it
        if local_id not in self.ids:
            raise LookupError(f"no run {local_id!r} is known")
        return self.ids[local_id]

    def map_text(self, text: str) -> str:
        """Replaces the ids of runs and models in a text."""
        return map_ids(text, self.ids)

    def map_values(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Replaces the ids of runs and models in the values of tags or params."""
        return {str(key): self.map_text(str(value)) for key, value in values.items()}

    def keep_own(self, local_id: str, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Leaves out the tags of which a job knows less than its launcher."""
        kept = _KEPT if self.is_training(local_id) else _ORIGIN
        return {key: value for key, value in tags.items() if not key.startswith(kept)}

    def open(self, record: Record) -> None:
        """Creates a further run, unless there is one; goes on with one of another attempt that has its name and parent.

        MLflow invents a name for a run that is given none, and no name twice.
        """
        local_id, training = record["run"], self.training
        given = self.map_values(record.get("tags") or {})
        if self.recall(record):
            return
        kind = _describe(record, given)
        for run_id in [run_id for run_id, each in self._left.items() if each == kind and run_id not in self._deleted]:
            self._go_on(run_id, local_id)
            self._opened[run_id] = self._left.pop(run_id)
            return
        own = {TRAINING_RUN_TAG: self._run_id, JOB_RUN_TAG: local_id}
        step = {key: value for key, value in given.items() if key == mlflow_tags.MLFLOW_PROJECT_ENTRY_POINT}
        tags = {mlflow_tags.MLFLOW_PARENT_RUN_ID: self._run_id, **given, **self.origin, **step, **own}
        hasty = self._client.without_patience()

        def create() -> str:
            made = find_job_runs(hasty, self._run_id, training.info.experiment_id)  # an attempt before may have made it
            if local_id in made:
                return str(made[local_id].info.run_id)
            return create_run_once(hasty, training.info.experiment_id, tags, record.get("name"), record.get("start"))

        self.ids[local_id] = self._client.repeat(create, "a new run")
        self._opened[self.ids[local_id]] = kind

    def recall(self, record: Record) -> bool:
        """Learns that this attempt has opened a further run; returns whether there is one on the server."""
        local_id = record["run"]
        self._earlier  # noqa: B018
        if local_id not in self.ids:
            return False
        self._left.pop(self.ids[local_id], None)
        self._opened[self.ids[local_id]] = _describe(record, self.map_values(record.get("tags") or {}))
        return True

    def _go_on(self, run_id: str, local_id: str) -> None:
        """Goes on with a run of another attempt, in which it had another id."""
        known = self._client.get_run(run_id).data.tags.get(JOB_RUN_TAG, "")
        self._client.set_tag(run_id, JOB_RUN_TAG, f"{known} {local_id}".strip())
        self._client.update_run(run_id, RunStatus.to_string(RunStatus.RUNNING))
        self.ids[local_id] = run_id

    def end_left(self) -> None:
        """Ends the runs that were interrupted with an attempt of the job, and that no other has gone on with."""
        for run_id in self._left.keys() - self._deleted:
            if is_running(self._client.get_run(run_id)):
                write_stop_reason(self._client, run_id, "its job was interrupted, and has begun anew in another run")
                self._client.set_terminated(run_id, RunStatus.to_string(RunStatus.KILLED))
        self._left.clear()

    def learn_status(self, record: Record) -> None:
        """Learns as what the job's code has ended the training's own run, which has an end of its own."""
        status = record.get("status")
        if status is not None and self.ids.get(record["run"]) == self._run_id:
            self.failed_as = status if status in _FAILED else None

    def change(self, record: Record) -> None:
        """Renames a run, or ends it; of the training's own, only the name is changed."""
        run_id, status, name = self.find(record["run"]), record.get("status"), record.get("name")
        if run_id in self._deleted:
            return
        if name:
            self._client.update_run(run_id, name=name)
        if run_id == self._run_id or status is None:
            return
        if RunStatus.is_terminated(RunStatus.from_string(status)):
            self._client.set_terminated(run_id, status, record.get("end"))
        else:
            self._client.update_run(run_id, status)

    def delete_tag(self, record: Record) -> None:
        """Removes a tag that is there."""
        run_id, key = self.find(record["run"]), record["key"]
        is_free = not (run_id == self._run_id and key.startswith(_KEPT))
        if is_free and run_id not in self._deleted and key in self._client.get_run(run_id).data.tags:
            self._client.delete_tag(run_id, key)

    def delete(self, record: Record) -> str | None:
        """Deletes a further run; returns what has not been done."""
        run_id = self.find(record["run"])
        if run_id == self._run_id:
            return "the script has deleted its run, which is kept, as it is the training's"
        if run_id not in self._deleted:
            self._client.delete_run(run_id)
            self._deleted.add(run_id)
        return None

    def restore(self, record: Record) -> None:
        """Restores a deleted run."""
        run_id = self.find(record["run"])
        if run_id in self._deleted:
            self._client.restore_run(run_id)
            self._deleted.discard(run_id)

    @cached_property
    def _earlier(self) -> None:
        """Learns which runs have been created before."""
        for local_id, run in find_job_runs(self._client, self._run_id, self.training.info.experiment_id).items():
            self.ids[local_id] = run.info.run_id
            if is_deleted(run):
                self._deleted.add(run.info.run_id)


def _describe(record: Record, tags: Mapping[str, str]) -> tuple[str, str]:
    """Returns what tells a further run from others in each attempt of a job: its name and its parent."""
    return str(record.get("name")), tags.get(mlflow_tags.MLFLOW_PARENT_RUN_ID, "")
