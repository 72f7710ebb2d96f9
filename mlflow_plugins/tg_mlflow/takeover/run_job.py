"""Finds the job of a run again, from the run's tags alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Run
from pydantic import ValidationError

from tg.common.delivery.sagemaker import Executor
from tg.common.errors import suggestion
from tg_mlflow.errors import BackendConfigError, RunNotOursError
from tg_mlflow.places.config import LogConfig
from tg_mlflow.places.place import Place
from tg_mlflow.places.registry import list_places
from tg_mlflow.recording.metric_patterns import MetricPatterns
from tg_mlflow.tracking.state import RunState, read_state
from tg_mlflow.tracking.tags import JOB_ID_TAG, PLACE_TAG, STATE_TAG, SWEEP_TAG, VERSION_TAG
from tg_mlflow.training.job import Job


@dataclass(frozen=True)
class RunJob(Job):
    """The job of a run that was found again.

    Attributes:
        run: The run, as it was when it was read.
        dataset: The dataset, where it is on this machine.
        log: What the run is to record besides the archive.
        metric_regexes: How metrics are found in its output besides metric lines.
    """

    run: Run
    dataset: Path | None
    log: LogConfig
    metric_regexes: Mapping[str, str]


def check_is_ours(run: Run) -> None:
    """Checks that a run is of a training of ours, whether or not it has a job yet.

    Raises:
        RunNotOursError: If it is not.
    """
    if VERSION_TAG not in run.data.tags:
        find_job(run)  # which says so, unless it has a job all the same


def find_job(run: Run, executor: Executor | None = None) -> RunJob:
    """Finds a run's job.

    Args:
        run: The run.
        executor: The executor that can reach the job; by default a new one, made from the run's tags.

    Raises:
        RunNotOursError: If it has no job, or its place is not installed, or its state is damaged.
    """
    tags, run_id = run.data.tags, run.info.run_id
    place, job_id = tags.get(PLACE_TAG), tags.get(JOB_ID_TAG)
    if SWEEP_TAG in tags:
        raise RunNotOursError(f"run {run_id!r} is a sweep; give the id of one of its trainings' runs")
    if place is None or job_id is None:
        raise RunNotOursError(
            f"run {run_id!r} has no job: it was not started by a backend of tg-mlflow, or had not come so far, and is "
            f"ended with `tg-mlflow cancel {run_id}` then"
        )
    state = read_state(run)
    dataset = None if state.dataset is None else Path(state.dataset)
    return RunJob(
        run_id=run_id,
        executor=executor or _open_executor(run_id, place, state),
        job_id=job_id,
        run=run,
        dataset=dataset if dataset is not None and dataset.exists() else None,
        log=_read_log_config(run_id, state),
        metric_regexes=_read_regexes(run_id, state),
    )


def find_run_place(run_id: str, name: str) -> Place:
    """Finds the place that a run names.

    Raises:
        RunNotOursError: If it is not installed.
    """
    places = list_places()
    if name not in places:
        raise RunNotOursError(
            f"run {run_id!r} is from the place {name!r}, which is not installed here; {suggestion(name, places)}"
        )
    return places[name]


def _open_executor(run_id: str, name: str, state: RunState) -> Executor:
    place = find_run_place(run_id, name)
    return place.open(place.read_options(state.place_options))


def _read_regexes(run_id: str, state: RunState) -> Mapping[str, str]:
    given = state.config.get("metric_regexes", {})
    try:
        regexes = dict[str, str](given)
        MetricPatterns(regexes)
    except (ValueError, TypeError, BackendConfigError) as error:
        raise RunNotOursError(
            f"config.metric_regexes in the tag {STATE_TAG} of run {run_id!r} is damaged: {given!r}; remove it to "
            "record without it"
        ) from error
    return regexes


def _read_log_config(run_id: str, state: RunState) -> LogConfig:
    given = state.config.get("log", {})
    try:
        return LogConfig.model_validate(given)
    except ValidationError as error:
        raise RunNotOursError(
            f"config.log in the tag {STATE_TAG} of run {run_id!r} is damaged: {given!r}; remove it to have everything "
            "logged"
        ) from error
