"""Registers the model of a run that has finished, exactly once."""

import logging

from mlflow.entities import LoggedModel, LoggedModelStatus, Run, RunStatus
from mlflow.entities.model_registry import ModelVersion
from pydantic import ValidationError

from tg_mlflow.errors import RegistrationError, TrackingError
from tg_mlflow.places.config import PlaceConfig, RegisterConfig
from tg_mlflow.registration.alias import give_alias
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import (
    BEST_RUN_ID_TAG,
    NOT_UPLOADED_TAG,
    REGISTER_TAG,
    REGISTERED_TAG,
    SWEEP_TAG,
)

_logger = logging.getLogger("mlflow.tg_mlflow")

_FINISHED = RunStatus.to_string(RunStatus.FINISHED)
# The models of a training on one table; of several that a run has, these are meant.
_OURS = ("model", "fold_0")


def build_register_tags(config: PlaceConfig) -> dict[str, str]:
    """Builds the tag by which a run is to be registered, if the configuration wants that."""
    return {} if config.register is None else {REGISTER_TAG: config.register.model_dump_json(exclude_defaults=True)}


def settle_registration(client: TrackingClient, run_id: str) -> None:
    """Registers the model of a run that has FINISHED, if its tag asks for that; of a sweep, that of its best training.

    The tag goes when that is done, or cannot be done for this run; another one says what has come of it. Of a server
    that does not take it, a warning tells, and it is done when this is called again: a version that there is already is
    found by its own tag.

    Args:
        client: The tracking server's, which has MLflow's registry.
        run_id: The run, which may have ended in any way.
    """
    try:
        run = client.get_run(run_id)
        tags = run.data.tags
        if REGISTER_TAG not in tags or run.info.status != _FINISHED or NOT_UPLOADED_TAG in tags:
            return
        try:
            outcome = _register(client, run, _read_wish(run))
            _logger.info("Registered %s", outcome)
        except RegistrationError as error:
            outcome = f"not registered: {error}"
            _logger.warning("The model of run %s is %s", run_id, outcome)
        client.set_tag(run_id, REGISTERED_TAG, outcome)
        client.delete_tag(run_id, REGISTER_TAG)
    except TrackingError as error:
        outcome = f"not registered yet ({error}); to try again, run `tg-mlflow attach {run_id}`"
        _logger.warning("The model of run %s is %s", run_id, outcome)
        try:
            client.without_patience().set_tag(run_id, REGISTERED_TAG, outcome)
        except TrackingError as problem:
            _logger.warning("The run cannot be told so either: %s", problem)


def _read_wish(run: Run) -> RegisterConfig:
    text = run.data.tags[REGISTER_TAG]
    try:
        return RegisterConfig.model_validate_json(text)
    except ValidationError as error:
        raise RegistrationError(f"the tag {REGISTER_TAG} is damaged: {text!r}") from error


def _register(client: TrackingClient, run: Run, wish: RegisterConfig) -> str:
    """Registers a model and moves its alias; returns what has been done, in one line."""
    trained = run
    if SWEEP_TAG in run.data.tags:
        if (best := run.data.tags.get(BEST_RUN_ID_TAG)) is None:
            raise RegistrationError("there is no best training")
        trained = client.get_run(best)
    name = client.mask.mask(wish.name)
    version = _make_version(client, name, _find_model(client, trained), run.info.run_id)
    text = f"version {version.version} of {name}"
    return text if wish.alias is None else f"{text}, {give_alias(client, version, trained, wish)}"


def _find_model(client: TrackingClient, run: Run) -> LoggedModel:
    """Finds the only model that a run has made, or that of a training on one table.

    Raises:
        RegistrationError: If there is none, or it is not clear which one is meant.
    """
    outputs = run.outputs.model_outputs if run.outputs is not None else []
    models = [client.get_logged_model(model_id) for model_id in dict.fromkeys(each.model_id for each in outputs)]
    ready = [each for each in models if each.status == LoggedModelStatus.READY]
    found = [each for each in ready if each.name in _OURS] or ready
    if not found:
        raise RegistrationError("the run has no model")
    if len(found) > 1:
        names = ", ".join(sorted(each.name for each in found))
        raise RegistrationError(f"the run has {len(found)} models ({names}); call the one that is meant model")
    return found[0]


def _make_version(client: TrackingClient, name: str, model: LoggedModel, run_id: str) -> ModelVersion:
    """Registers a model, unless that has been done."""
    hasty = client.without_patience()

    def make() -> None:
        if _list_versions(hasty, name, model, run_id):
            return
        try:
            hasty.create_registered_model(name)
        except TrackingError as error:
            if not error.is_final:  # otherwise there is one, or its version is refused, too
                raise
        source, tags = f"models:/{model.model_id}", {REGISTER_TAG: run_id}
        hasty.create_model_version(name, source, model.source_run_id, tags=tags, model_id=model.model_id)

    client.repeat(make, "a version of a model")
    version, *doubles = _list_versions(client, name, model, run_id)
    for each in doubles:  # MLflow's own client has asked twice, or another process has done the same
        try:
            client.delete_model_version(name, each.version)
        except TrackingError as error:
            _logger.debug("Version %s of %s is not removed: %s", each.version, name, error)
    return version


def _list_versions(client: TrackingClient, name: str, model: LoggedModel, run_id: str) -> list[ModelVersion]:
    """Lists the versions that have been made of a model for a run, the first one first."""
    found = client.search_model_versions(f"run_id = '{model.source_run_id}'")
    ours = [each for each in found if each.name == name and each.tags.get(REGISTER_TAG) == run_id]
    return sorted(ours, key=lambda each: int(each.version))
