"""A client of the tracking server that waits for a server that is away, and lets no secret through."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import DatasetInput, InputTag, LoggedModel, Metric, Param, Run, RunTag
from mlflow.entities.model_registry import ModelVersion, RegisteredModel

from tg.common.secrets import MASK
from tg.common.system.interrupts import uninterrupted
from tg_mlflow.tracking.storable import make_storable, mask_dataset
from tg_mlflow.tracking.tags import SECRETS_TAG
from tg_mlflow.tracking.waiting_client import WaitingClient, asking, transferring

_LONGEST_TAG = 8000
_LONGEST_PARAM = 6000


class TrackingClient(WaitingClient):
    """MLflow's client, which waits for a server that is away and masks secrets in all that it writes.

    A request that fails is sent again, with growing pauses, until the server has been away for ``patience_seconds``, or
    at once given up if the server's answer is final. A request may arrive twice where the server has taken it and could
    not say so. Files are sent a second time once the server answers, and again and again to a store that is away for no
    longer than the server may be; otherwise their store refuses them.

    Params, tags and the names of runs are written without secrets and cut to the length that MLflow takes; what is no
    text, or PostgreSQL does not take, is escaped. Threads may share a client.

    All methods raise a :class:`TrackingError` for what the server or the artifact store has against a request.

    Args:
        tracking_uri: The tracking server; by default, the one that MLflow's settings name.
        mask: The secrets.
        patience_seconds: How long the server may be away; by default what ``TG_TRACKING_PATIENCE_SECONDS`` says,
            else 300.
        clock: The clock.

    Attributes:
        mask: The secrets.

    Raises:
        BackendConfigError: If that variable is not a number of seconds.
        TrackingError: If the store is a database that cannot be used.
    """

    get_run = asking("a question", MlflowClient.get_run)
    search_runs = asking("a question", MlflowClient.search_runs)
    search_experiments = asking("a question", MlflowClient.search_experiments)
    get_experiment = asking("a question", MlflowClient.get_experiment)
    get_experiment_by_name = asking("a question", MlflowClient.get_experiment_by_name)
    create_experiment = asking("a new experiment", MlflowClient.create_experiment)
    delete_tag = asking("that a tag is removed", MlflowClient.delete_tag)
    delete_run = asking("that a run is removed", MlflowClient.delete_run)
    restore_run = asking("that a run is restored", MlflowClient.restore_run)
    update_run = asking("a run's status", MlflowClient.update_run)
    log_outputs = asking("a model", MlflowClient.log_outputs)
    get_logged_model = asking("a question", MlflowClient.get_logged_model)
    search_logged_models = asking("a question", MlflowClient.search_logged_models)
    finalize_logged_model = asking("a model", MlflowClient.finalize_logged_model)
    delete_logged_model = asking("that a model is removed", MlflowClient.delete_logged_model)
    delete_logged_model_tag = asking("that a tag is removed", MlflowClient.delete_logged_model_tag)
    search_model_versions = asking("a question", MlflowClient.search_model_versions)
    list_artifacts = transferring("a question", MlflowClient.list_artifacts)
    download_artifacts = transferring("a question", MlflowClient.download_artifacts)
    log_artifact = transferring("a file", MlflowClient.log_artifact)
    log_artifacts = transferring("files", MlflowClient.log_artifacts)
    log_text = transferring("a file", MlflowClient.log_text)
    log_table = transferring("a table", MlflowClient.log_table)
    log_model_artifacts = transferring("a model", MlflowClient.log_model_artifacts, MlflowClient.get_logged_model)

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: dict[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Creates a run whose tags and name are without secrets."""
        masked = self._mask_named({name: str(value) for name, value in (tags or {}).items()}, _LONGEST_TAG)
        name = None if run_name is None else make_storable(self.mask.mask(run_name))
        return self._ask(partial(super().create_run, experiment_id, start_time, masked, name), "a new run")

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Sets a tag without secrets."""
        masked = self._mask_named({key: str(value)}, _LONGEST_TAG)[key]
        return self._ask(partial(super().set_tag, run_id, key, masked, synchronous), "a tag")

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,
    ) -> Any:
        """Logs metrics as they are, params and tags without secrets."""
        masked_params = self._mask_named({param.key: param.value for param in params}, _LONGEST_PARAM)
        masked_tags = self._mask_named({tag.key: tag.value for tag in tags}, _LONGEST_TAG)
        log = partial(
            super().log_batch,
            run_id,
            metrics,
            [Param(name, value) for name, value in masked_params.items()],
            [RunTag(name, value) for name, value in masked_tags.items()],
            synchronous,
        )
        return self._ask(log, "metrics" if metrics else "parameters" if params else "tags")

    def log_inputs(self, run_id: str, datasets: Sequence[DatasetInput] | None = None, *args: Any, **kwargs: Any) -> Any:
        """Logs datasets whose names, sources and columns are without secrets."""
        masked = [
            DatasetInput(
                mask_dataset(each.dataset, self.mask),
                [InputTag(tag.key, make_storable(self.mask.mask(tag.value))) for tag in each.tags],
            )
            for each in datasets or ()
        ]
        return self._ask(partial(super().log_inputs, run_id, masked, *args, **kwargs), "a dataset")

    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
        model_type: str | None = None,
    ) -> LoggedModel:
        """Creates a model whose name, tags and params are without secrets."""
        masked = None if name is None else make_storable(self.mask.mask(name))
        tags, params = self._mask_named(tags or {}, _LONGEST_TAG), self._mask_named(params or {}, _LONGEST_PARAM)
        create = partial(super().create_logged_model, experiment_id, masked, source_run_id, tags, params, model_type)
        return self._ask(create, "a model")

    def set_logged_model_tags(self, model_id: str, tags: dict[str, Any]) -> None:
        """Sets tags of a model without secrets."""
        masked = self._mask_named({name: str(value) for name, value in tags.items()}, _LONGEST_TAG)
        self._ask(partial(super().set_logged_model_tags, model_id, masked), "a model's tags")

    def log_model_params(self, model_id: str, params: dict[str, str]) -> None:
        """Logs params of a model without secrets."""
        masked = self._mask_named(params, _LONGEST_PARAM)
        self._ask(partial(super().log_model_params, model_id, masked), "a model's parameters")

    def create_registered_model(self, name: str, *args: Any, **kwargs: Any) -> RegisteredModel:
        """Creates a registered model whose name is without secrets."""
        return self._ask(partial(super().create_registered_model, self.mask.mask(name), *args, **kwargs), "a model")

    def create_model_version(self, name: str, source: str, *args: Any, **kwargs: Any) -> ModelVersion:
        """Registers a model under a name; ``tags`` and ``description``, given by name, are without secrets."""
        named = {key: str(value) for key, value in (kwargs.pop("tags", None) or {}).items()}
        kwargs["tags"] = self._mask_named(named, _LONGEST_TAG)
        if kwargs.get("description"):
            kwargs["description"] = make_storable(self.mask.mask(kwargs["description"]))
        create = partial(super().create_model_version, self.mask.mask(name), source, *args, **kwargs)
        return self._ask(create, "a version of a model")

    def set_terminated(self, run_id: str, status: str | None = None, end_time: int | None = None) -> None:
        """Ends a run; no interrupt cuts short a request that is on its way."""
        end = super().set_terminated

        def end_run() -> None:
            with uninterrupted():
                end(run_id, status, end_time)

        self._ask(end_run, "a run's end")

    def _mask_named(self, values: Mapping[str, str], longest: int) -> dict[str, str]:
        # Cut when they are masked: what is left of a secret that was cut would not be known as one.
        masked = self.mask.mask_named(values)
        if SECRETS_TAG in values:  # it holds the names of secrets, and is not a secret in spite of its own name
            masked[SECRETS_TAG] = self._mask_names(values[SECRETS_TAG])
        return {name: make_storable(value)[:longest] for name, value in masked.items()}

    def _mask_names(self, text: str) -> str:
        """Masks what is a secret itself in a list of names; a short secret may be part of many a name."""
        try:
            return json.dumps([MASK if self.mask.mask(name) == MASK else name for name in json.loads(text)])
        except (ValueError, TypeError):
            return self.mask.mask(text)  # it is damaged; whoever reads it says so
