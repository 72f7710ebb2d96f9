"""The logged models of a job on the tracking server."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol

from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelStatus,
    Run,
)
from mlflow.utils import mlflow_tags

from tg_mlflow.replay.record_stream import Record
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.job_runs import find_job_models
from tg_mlflow.tracking.tags import JOB_MODEL_STATUS_TAG, JOB_MODEL_TAG, REGISTER_PREFIX, TRAINING_RUN_TAG

_READY = str(LoggedModelStatus.READY)


class Runs(Protocol):
    """The runs of a job, as :class:`tg_mlflow.replay.job_runs.JobRuns` has them."""

    ids: dict[str, str]

    @property
    def training(self) -> Run:
        """The training's run."""

    @property
    def origin(self) -> dict[str, str]:
        """The tags that say what the training is from."""

    def find(self, local_id: str) -> str:
        """Finds a run."""

    def map_text(self, text: str) -> str:
        """Replaces the ids of runs and models in a text."""

    def map_values(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Replaces them in the values of tags or params."""


class JobModels:
    """Creates a job's logged models, and binds them and datasets to runs.

    A model is ready when its files are there, which is after the job's end; until then, tags say what is to be done.

    Args:
        client: The tracking server's.
        runs: The job's runs; ids of models are added to theirs.
    """

    def __init__(self, client: TrackingClient, runs: Runs) -> None:
        self._client = client
        self._runs = runs
        self._registered = 0

    def find(self, local_id: str) -> str:
        """Finds a model.

        Raises:
            LookupError: If there is none.
        """
        if local_id not in self._runs.ids:
            self._earlier  # noqa: B018 - whoever recorded the job before may have created it
        if local_id not in self._runs.ids:
            raise LookupError(f"no model {local_id!r} is known")
        return self._runs.ids[local_id]

    def create(self, record: Record) -> None:
        """Creates a model, unless there is one."""
        local_id, runs, training = record["model"], self._runs, self._runs.training
        self._earlier  # noqa: B018
        if local_id in runs.ids:
            return
        source_run_id = runs.find(record["run"]) if record.get("run") else None
        own = {TRAINING_RUN_TAG: training.info.run_id, JOB_MODEL_TAG: local_id}
        tags = {**runs.map_values(record.get("tags") or {}), **runs.origin, **own}
        hasty = self._client.without_patience()

        def create() -> str:
            # An attempt before may have made it.
            made = find_job_models(hasty, training.info.run_id, training.info.experiment_id)
            if local_id in made:
                return str(made[local_id].model_id)
            params = runs.map_values(record.get("params") or {})
            model = hasty.create_logged_model(
                training.info.experiment_id, record.get("name"), source_run_id, tags, params, record.get("type")
            )
            return str(model.model_id)

        runs.ids[local_id] = self._client.repeat(create, "a model")

    def change_status(self, record: Record) -> None:
        """Ends a model that has failed, or that has its files elsewhere; notes of another that it is to be ready."""
        model_id, status = self.find(record["model"]), record["status"]
        is_elsewhere = mlflow_tags.MLFLOW_MODEL_IS_EXTERNAL in self._client.get_logged_model(model_id).tags
        if status == _READY and not is_elsewhere:
            self._client.set_logged_model_tags(model_id, {JOB_MODEL_STATUS_TAG: status})
        else:
            self._client.finalize_logged_model(model_id, status)

    def set_tags(self, record: Record) -> None:
        """Sets tags of a model."""
        self._client.set_logged_model_tags(self.find(record["model"]), self._runs.map_values(record["tags"]))

    def delete_tag(self, record: Record) -> None:
        """Removes a tag of a model that is there."""
        model_id, key = self.find(record["model"]), record["key"]
        if key in self._client.get_logged_model(model_id).tags:
            self._client.delete_logged_model_tag(model_id, key)

    def log_params(self, record: Record) -> None:
        """Logs params of a model."""
        model_id = self.find(record["model"])
        known = self._client.get_logged_model(model_id).params
        params = {key: value for key, value in self._runs.map_values(record["params"]).items() if key not in known}
        if params:
            self._client.log_model_params(model_id, params)

    def delete(self, record: Record) -> None:
        """Deletes a model."""
        self._client.delete_logged_model(self.find(record["model"]))

    def log_inputs(self, record: Record) -> None:
        """Logs datasets and models that a run has used."""
        run_id, map_text = self._runs.find(record["run"]), self._runs.map_text
        datasets = [_read_dataset(each, map_text(each["source"])) for each in record.get("datasets") or []]
        given = [self.find(each) for each in record.get("models") or []]
        models = []
        if given:  # MLflow would keep each twice
            inputs = self._client.get_run(run_id).inputs
            known = {each.model_id for each in (inputs and inputs.model_inputs) or []}
            models = [LoggedModelInput(each) for each in dict.fromkeys(given) if each not in known]
        if datasets or models:
            self._client.log_inputs(run_id, datasets, models)

    def log_outputs(self, record: Record) -> None:
        """Logs models that a run has made."""
        run_id = self._runs.find(record["run"])
        outputs = self._client.get_run(run_id).outputs
        known = {(each.model_id, each.step) for each in (outputs and outputs.model_outputs) or []}
        given = dict.fromkeys((self.find(model), int(step or 0)) for model, step in record["models"])
        models = [LoggedModelOutput(model_id, step) for model_id, step in given if (model_id, step) not in known]
        if models:
            self._client.log_outputs(run_id, models)

    def note_registration(self, record: Record, is_recorded: bool) -> None:
        """Notes in the training's run that a model is to be registered."""
        self._registered += 1
        if is_recorded:
            return
        runs = self._runs
        content = {
            "name": record["name"],
            "source": runs.map_text(record["source"]),
            "run": runs.find(record["run"]) if record.get("run") else None,
            "model": self.find(record["model"]) if record.get("model") else None,
            "tags": runs.map_values(record.get("tags") or {}),
            "description": record.get("description"),
        }
        text = json.dumps(content)
        self._client.set_tag(runs.training.info.run_id, f"{REGISTER_PREFIX}{self._registered}", text)

    @cached_property
    def _earlier(self) -> None:
        """Learns which models have been created before."""
        training = self._runs.training.info
        for local_id, model in find_job_models(self._client, training.run_id, training.experiment_id).items():
            self._runs.ids[local_id] = model.model_id


def _read_dataset(content: dict[str, Any], source: str) -> DatasetInput:
    dataset = Dataset(
        name=content["name"],
        digest=content["digest"],
        source_type=content["source_type"],
        source=source,
        schema=content.get("schema"),
        profile=content.get("profile"),
    )
    return DatasetInput(dataset, [InputTag(key, str(value)) for key, value in content.get("tags") or []])
