"""What is noted in a run before its job is started, so that the job is found again and can be trained again."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tg.common.delivery.sagemaker import Executor, SagemakerConfig
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.registry import find_place
from tg_mlflow.registration.registration import build_register_tags
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.state import RunState, format_state
from tg_mlflow.tracking.tags import JOB_ID_TAG, NAME_TAG, PLACE_TAG


def build_state(config: PlaceConfig, params: Mapping[str, str] | None = None) -> RunState:
    """Builds the state of a run that begins.

    Args:
        config: The configuration of the training, or of all trainings of a sweep.
        params: The parameters that it was given.
    """
    given = config.model_dump(mode="json", exclude_defaults=True, exclude={"sweep"})
    return RunState(config=given, parameters=tuple(params or ()))


def note_start(client: TrackingClient, run_id: str, state: RunState, params: Mapping[str, str]) -> None:
    """Notes the state of a run that begins, and logs its parameters as the user wrote them."""
    client.set_masked_tags(run_id, format_state(state, client.mask), params=params)


def describe_delivery(state: RunState, delivery: SagemakerConfig, dataset: Path | None) -> RunState:
    """Adds to a state what it takes, besides the package and the configuration, to train the same again.

    Args:
        state: The state.
        delivery: The delivery.
        dataset: The dataset, where it is on this machine.
    """
    options = delivery.options
    return replace(
        state,
        dataset=None if dataset is None else str(dataset),
        project_name=options.project_name,
        datasets_folder=str(Path(options.datasets_folder).absolute()),
        resource=delivery.resource_name,
    )


def note_job(
    client: TrackingClient,
    run_id: str,
    config: PlaceConfig,
    executor: Executor,
    job_id: str,
    state: RunState,
    run_name: str | None = None,
) -> dict[str, str]:
    """Notes in a run which job is about to be started for it.

    Args:
        client: The tracking server's.
        run_id: The run.
        config: The configuration of the training.
        executor: The executor that can reach the job.
        job_id: The job's id.
        state: The run's state, to which the options of the place are added.
        run_name: The run's name, if the task has one.

    Returns:
        The tags, without secrets.
    """
    name = {NAME_TAG: run_name} if run_name else {}
    tags = {**config.tags, **name, **build_register_tags(config)}
    state = replace(state, place_options=find_place(config.place).write_options(executor.options))
    # In one request: a run that has a job says how it was started.
    own = {
        **format_state(state, client.mask),
        **client.mask.mask_named({PLACE_TAG: config.place, JOB_ID_TAG: job_id}),
    }
    client.set_masked_tags(run_id, own, tags)
    return {**client.mask.mask_named(tags), **own}
