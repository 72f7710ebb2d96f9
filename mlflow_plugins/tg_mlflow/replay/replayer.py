"""Applies the records of a job to the tracking server, one after the other."""

import base64
import binascii
import functools
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from mlflow.entities import Metric

from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.errors import TrackingError
from tg_mlflow.replay.batches import RunBatches
from tg_mlflow.replay.job_models import JobModels
from tg_mlflow.replay.job_runs import JobRuns
from tg_mlflow.replay.model_points import NOTE, ModelPoints
from tg_mlflow.replay.notes import ReplayNotes
from tg_mlflow.replay.record_stream import BEGIN, Record
from tg_mlflow.replay.said_points import SaidPoints
from tg_mlflow.tracking.client import TrackingClient

# What a damaged record leads to, or one of another form.
_DAMAGES = (LookupError, TypeError, ValueError, AttributeError, binascii.Error)
# Key, value, time and step of a metric; what follows is its logged model and its dataset.
_PLAIN_FIELDS = 4
# Of steps and times: MLflow's stores keep 64 bits.
_LARGEST = (1 << 63) - 1


class Replayer:
    """Applies records. What the server refuses, and what cannot be understood, is noted; the rest goes on.

    Applied again, also by another process and from any earlier record on, records lead to the same. Points of metrics
    that another attempt says again are not written again.

    Args:
        client: The tracking server's.
        run_id: The run of the training.

    Attributes:
        said: Which points of metrics were said.
    """

    def __init__(self, client: TrackingClient, run_id: str) -> None:
        self.said = SaidPoints()
        self._attempt = 0
        self._notes = ReplayNotes(client, run_id)
        self._client = client
        self._run_id = run_id
        self._runs = JobRuns(client, run_id)
        self._models = JobModels(client, self._runs)
        self._batches = RunBatches(client, self._notes.add_refused)
        self._metrics: list[Metric] = []
        self._model_points = ModelPoints()
        self._mask_name = functools.cache(client.mask.mask)
        self._handlers: dict[str, Callable[[Record], object]] = {
            "run": self._runs.open,
            "delete_tag": self._runs.delete_tag,
            "delete_run": self._runs.delete,
            "restore_run": self._runs.restore,
            "inputs": self._models.log_inputs,
            "outputs": self._models.log_outputs,
            "model": self._models.create,
            "model_status": self._models.change_status,
            "model_tags": self._models.set_tags,
            "delete_model_tag": self._models.delete_tag,
            "model_params": self._models.log_params,
            "delete_model": self._models.delete,
            "file": self._log_file,
        }

    def apply(self, record: Record, is_recorded: bool = False) -> None:
        """Applies a record, or gathers it until :meth:`flush`.

        Args:
            record: The record.
            is_recorded: Whether it has been applied before; what it tells of later ones is still learned.

        Raises:
            TrackingError: If the server stays away, or the training's run is deleted.
        """
        try:
            self._apply(record, is_recorded)
        except TrackingError as error:
            if not error.is_final:
                raise
            self._notes.add_refused(f"the record {record.get('op')!r}", error)
        except _DAMAGES as error:
            self._notes.add_unreadable(record, f"{type(error).__name__}: {error}")

    def flush(self) -> list[Metric]:
        """Writes what has been gathered.

        Returns:
            The metrics of the training's own run, which are not written here.

        Raises:
            TrackingError: As :meth:`apply`.
        """
        self._batches.flush()
        metrics, self._metrics = self._metrics, []
        self._notes.write()
        return metrics

    @property
    def has_notes(self) -> bool:
        """Whether something could not be done that whoever takes over has to meet again to tell it."""
        return self._notes.is_of_the_past

    def finish(self, missing_count: int, has_failed: bool) -> None:
        """Notes how many records are missing, and that the code speaks of a failure where the training has not failed.

        Args:
            missing_count: How many are missing.
            has_failed: Whether the training has failed, or goes on unseen.

        Raises:
            TrackingError: If the server stays away.
        """
        if not has_failed:
            self._runs.end_left()
        self._notes.set_missing(missing_count)
        if self._runs.failed_as is not None and not has_failed:
            self._notes.add(f"the script has ended its run as {self._runs.failed_as}")
        self._notes.write()

    def _apply(self, record: Record, is_recorded: bool) -> None:
        operation = record.get("op")
        if operation == BEGIN:
            self._attempt += 1
            self._runs.begin(record)
        elif operation == "run_info":
            self._runs.learn_status(record)
            if not is_recorded:
                self._batches.flush()
                self._runs.change(record)
        elif operation == "note":
            self._notes.add(record["text"])
        elif operation == "register":
            self._batches.flush()
            self._models.note_registration(record, is_recorded)
        elif operation == "batch":
            points = self._select_new(record["run"], self._free_points(record))
            if not is_recorded:
                self._gather(record, points)
        elif is_recorded:
            if operation == "run":
                self._runs.recall(record)
        elif operation in self._handlers:
            self._batches.flush()
            if isinstance(undone := self._handlers[operation](record), str):
                self._notes.add(undone, is_said_again=False)
        else:
            self._notes.add_unknown(str(operation))

    def _free_points(self, record: Record) -> list[list[Any]]:
        """Returns the points of a batch, each without its logged model if that cannot have it."""
        points = []
        for point in record.get("metrics") or []:
            if not self._model_points.take(record["run"], *point[: _PLAIN_FIELDS + 1]):
                self._notes.add(NOTE)
                point = [*point[:_PLAIN_FIELDS], None, *point[_PLAIN_FIELDS + 1 :]]
            points.append(point)
        return points

    def _select_new(self, local_id: str, points: list[list[Any]]) -> list[list[Any]]:
        """Leaves out the points that another attempt has said."""
        new = []
        try:
            run_id = self._runs.find(local_id)
        except LookupError:
            run_id = local_id  # who writes points of it says that it is not known
        for point in points:
            key, value, time_ms, step = str(point[0]), float(point[1]), int(point[2]), int(point[3])
            if max(abs(step), abs(time_ms)) > _LARGEST:
                raise ValueError(f"step {step} or time {time_ms} is too large")
            said = self.said.find(self._attempt, (run_id, key), key, step, value, time_ms)
            if said is None:
                new.append(point)
        return new

    def _gather(self, record: Record, points: list[list[Any]]) -> None:
        local_id = record["run"]
        run_id = self._runs.find(local_id)
        if self._runs.is_deleted(local_id):
            return
        metrics = [self._read_metric(*each) for each in points]
        if self._runs.is_training(local_id):
            self._metrics += metrics
            metrics = []
        params, tags = record.get("params"), record.get("tags")
        if metrics or params or tags:
            kept = self._runs.keep_own(local_id, self._runs.map_values(dict(tags or [])))
            self._batches.add(run_id, metrics, self._runs.map_values(dict(params or [])), kept)

    def _read_metric(
        self,
        key: str,
        value: float | str,
        time_ms: int,
        step: int,
        model: str | None = None,
        dataset_name: str | None = None,
        dataset_digest: str | None = None,
    ) -> Metric:
        if model is None and dataset_name is None:
            return Metric(self._mask_name(key), float(value), int(time_ms), int(step))
        return Metric(
            self._mask_name(key),
            float(value),
            int(time_ms),
            int(step),
            None if model is None else self._models.find(model),
            None if dataset_name is None else self._mask_name(dataset_name),
            dataset_digest,
        )

    def _log_file(self, record: Record) -> None:
        """Logs a small artifact."""
        path = PurePosixPath(record["path"])
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise ValueError(f"{record['path']!r} is no path below a run")
        content = base64.b64decode(record["data"], validate=True)
        above = None if str(path.parent) == "." else str(path.parent)
        with temporary_folder() as folder:
            (folder / path.name).write_bytes(content)
            if record.get("model"):
                self._client.log_model_artifacts(self._models.find(record["model"]), str(folder), above)
            else:
                run_id = self._runs.find(record["run"]) if "run" in record else self._run_id
                self._client.log_artifact(run_id, str(folder / path.name), above)
                if record.get("is_table"):
                    self._client.note_tables(run_id, [str(path)])
