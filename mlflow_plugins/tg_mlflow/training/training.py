"""Trains a task and records it into a run that exists."""

import logging
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from mlflow.entities import RunStatus

from tg.common import TgError
from tg.common.delivery.sagemaker import Executor, Listener, LogEvent, SagemakerConfig
from tg.common.system.interrupts import hang_up_as_termination, terminating_as_interrupt
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.console import Console, read_verbosity, showing
from tg_mlflow.cost.costs import Costs
from tg_mlflow.cost.guard import guarding_cost
from tg_mlflow.delivery.resumption import Resumption, opening_resumption
from tg_mlflow.description.run_description import RunDescription
from tg_mlflow.description.writing import write_description
from tg_mlflow.errors import RecordingError, TrackingError, format_trace
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.registry import find_place
from tg_mlflow.recording.recorder import RunRecorder
from tg_mlflow.registration.registration import settle_registration
from tg_mlflow.replay.replayer import Replayer
from tg_mlflow.results.artifacts import log_package
from tg_mlflow.results.optional_parts import Attempts
from tg_mlflow.results.preparation import Preparation
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.conducted_run import conducting_run
from tg_mlflow.tracking.events import note_event
from tg_mlflow.tracking.missing import note_missing
from tg_mlflow.tracking.state import RunState
from tg_mlflow.training.active_run import active_run, reopen_run
from tg_mlflow.training.capacity import NoCapacityError, noticing_no_capacity
from tg_mlflow.training.creation import log_params
from tg_mlflow.training.end import TrainingEnd, read_end
from tg_mlflow.training.failed_training import explaining_failure
from tg_mlflow.training.job import Job, is_still_needed
from tg_mlflow.training.job_guard import JobGuard
from tg_mlflow.training.job_notes import note_log, set_status
from tg_mlflow.training.job_variables import build_job_variables
from tg_mlflow.training.job_watch import record_result, storing, watch_job
from tg_mlflow.training.kept_run import keep_run
from tg_mlflow.training.source import TrainingSource
from tg_mlflow.training.tags import build_state, describe_delivery, note_job, note_start
from tg_mlflow.training.wait_notes import noting_waits
from tg_mlflow.usage.sampler import sampling_usage

_logger = logging.getLogger("mlflow.tg_mlflow")


@dataclass(frozen=True)
class Training:
    """What is trained, how and where.

    Attributes:
        source: The source of the task and its package.
        config: How it is delivered.
        executor: The executor that runs it.
        show: Called with the job's output; by default the console shows it.
        costs: What it costs, with others of the same budget; by default it has its own.
    """

    source: TrainingSource
    config: PlaceConfig
    executor: Executor
    show: Listener | None = None
    costs: Costs | None = None


def train_recorded(
    client: TrackingClient,
    run_id: str,
    params: Mapping[str, str],
    training: Training,
) -> TrainingEnd:
    """Trains, records into a run that exists, and ends the run whatever happens.

    An error of the project's own code is shown with its traceback.

    Args:
        client: The tracking server's.
        run_id: The run.
        params: What to log as parameters besides the hyperparameters.
        training: The training.

    Returns:
        How it has ended.

    Raises:
        KeyboardInterrupt: After Ctrl-C or SIGTERM, when the run has been KILLED.
    """
    try:
        with terminating_as_interrupt(), ExitStack() as afterwards:
            try:
                is_in_process, description = training.executor.traits.is_in_process, RunDescription(client, run_id)
                with conducting_run(client, run_id, is_in_process) as ending, description:
                    ending.describe = description.end
                    state = build_state(training.config, params)
                    note_start(client, run_id, state, params)
                    ending.is_due = train(client, run_id, training, state, afterwards, description)
                if training.config.register is not None:
                    settle_registration(client, run_id)
                    write_description(client, run_id)
            except RecordingError:
                afterwards.pop_all()  # what is kept of the job is needed to complete the run
                raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is logged and returned
        return read_end(client, run_id, error)
    finished = RunStatus.to_string(RunStatus.FINISHED)
    return TrainingEnd(finished if ending.is_due else client.get_run(run_id).info.status)


def train(
    client: TrackingClient,
    run_id: str,
    training: Training,
    state: RunState,
    afterwards: ExitStack,
    description: RunDescription,
) -> bool:
    """Trains and records into a run that exists; does not end the run.

    The job has ended when this returns or raises, but for a ``JobUnreachableError`` and a job that is to go on by
    itself. What is kept of it is removed when ``afterwards`` is left, unless it is still needed to complete the run.

    Returns:
        Whether the job has ended; otherwise it goes on by itself, as the configuration wants it.

    Raises:
        TgError: If the project, its data or its configuration do not fit, or the job did not complete.
        JobUnreachableError: If the job goes on, but cannot be followed any more.
        RecordingError: If the tracking server did not take the output of the training.
        Exception: Whatever the project's code raises in this process, unchanged.
    """
    place = find_place(training.config.place)
    regexes, costs = training.config.metric_regexes, training.costs or Costs(place, training.config)
    handlers, replayer = description.handlers, Replayer(client, run_id)
    is_new = run_id in client.created and training.config.resume_from is None
    with (
        ExitStack() as opening,
        RunRecorder(client, run_id, replayer, metric_regexes=regexes, handlers=handlers, is_new=is_new) as recorder,
    ):
        description.follow(recorder.tail)
        attempts = place.list_attempts(training.config)
        resumption = opening.enter_context(
            opening_resumption(client, run_id, training.config.resume_from, training.executor)
        )
        for attempt, following in zip_longest(attempts, attempts[1:]):
            try:
                job, is_needed = _train_once(
                    client, run_id, training, attempt, recorder, afterwards, state, costs, description, resumption
                )
                break
            except NoCapacityError as error:
                if following is None:
                    raise
                state = replace(state, earlier_jobs=(*state.earlier_jobs, error.job_id))
                missing, other = place.describe_attempt(attempt), place.describe_attempt(following)
                _logger.warning("No %s is available; the training is submitted again on %s", missing, other)
            except Exception as error:
                if not isinstance(error, TgError):  # of the project's code here, which nothing else would keep
                    recorder.take(_describe_trace(error))
                raise
    if not is_needed and not note_log(client, run_id, recorder.log_failure):
        afterwards.callback(job.discard)
    return not _is_detached(training.config)


def _describe_trace(error: Exception) -> LogEvent:
    text = format_trace(error)
    return LogEvent(text.encode("utf-8", "backslashreplace"), time.time_ns() // 1_000_000, has_metrics=False)


def _train_once(
    client: TrackingClient,
    run_id: str,
    training: Training,
    config: PlaceConfig,
    recorder: RunRecorder,
    afterwards: ExitStack,
    state: RunState,
    costs: Costs,
    description: RunDescription,
    resumption: Resumption | None,
) -> tuple[Job, bool]:
    """Submits one job and records it to its end, unless it is to go on by itself.

    Returns:
        The job, and whether what is kept of it is still needed.
    """
    executor = training.executor
    with ExitStack() as building, ExitStack() as watching, ExitStack() as observing:
        delivery = building.enter_context(training.source.delivering(config))
        variables = {**delivery.options.environment, **build_job_variables(client, run_id, executor, config)}
        delivery = replace(delivery, options=replace(delivery.options, environment=variables))
        delivery = delivery if resumption is None else resumption.apply(delivery)
        number = len(state.earlier_jobs)
        is_first = run_id in client.created and not number  # so that the run has nothing that is not known here
        if (limit_seconds := costs.limit_seconds(number)) is not None:
            delivery = find_place(config.place).limit_time(delivery, limit_seconds)
        request = executor.plan(delivery)
        job = Job(run_id, executor, request.job_id)
        options, needs_dataset = delivery.options, executor.traits.needs_local_dataset
        dataset = options.local_dataset_path if needs_dataset else options.find_local_dataset()
        # Noted before there is a job, so that it can be found whatever happens to this process.
        name = delivery.job.task.info.get("name")
        log_params(client, run_id, delivery.options.hyperparameters)
        state = describe_delivery(state, delivery, dataset)
        tags = note_job(client, run_id, config, executor, job.job_id, state, name and str(name))
        if config.log.dataset and not number:
            _log_channels(client, run_id, delivery)
        description.begin()
        recorder.begin_job()
        with storing(job):
            package = delivery.packaging.make_package(watching.enter_context(temporary_folder()))
        size = f"{package.path.name}, {package.path.stat().st_size:,} bytes"
        note_event(client, run_id, "packaged", size, is_urgent=False)
        preparation = Preparation(delivery.job.task, config.log)
        watching.callback(preparation.stop)  # after all else, as it may take a moment
        guard = watching.enter_context(guarding_cost(client, run_id, executor, job.job_id, costs, number))
        watching.enter_context(explaining_failure(client, run_id, package.path, dataset, config.log))
        watching.enter_context(noticing_no_capacity(executor, job.job_id))
        watching.enter_context(JobGuard(client, job, recorder, afterwards).watching())
        if config.mlflow == "direct":
            watching.callback(reopen_run, client, run_id)  # the job's code ends it by itself
        waits = watching.enter_context(noting_waits(client, run_id, has_job=False))
        if executor.traits.may_queue:
            waits.schedule()  # for an image, a quota, a machine
        if executor.traits.is_in_process:
            _log_package_early(client, run_id, package.path, is_first)
            watching.enter_context(hang_up_as_termination())  # elsewhere, the job goes on without its launcher
        seconds = 0 if _is_detached(config) else config.log.system_metrics_seconds
        sampling = sampling_usage(client, run_id, executor, job.job_id, seconds, is_first)
        if executor.traits.is_in_process:
            observing.enter_context(sampling)
        console = Console(read_verbosity())  # of a training in this process
        with active_run(client, run_id) if executor.traits.is_in_process else storing(job):
            executor.submit(request, lambda event: console.pick(recorder.take(event)))
        console.finish()
        waits.has_job = guard.has_job = True
        if not executor.traits.is_in_process:
            note_event(client, run_id, "submitted", f"job {job.job_id}", is_urgent=_is_detached(config))
            observing.enter_context(sampling)
        keep_run(client.tracking_uri, job, tags, package.path)
        building.close()
        if _is_detached(config):
            if waits.is_scheduled and not executor.traits.may_queue:
                set_status(client, run_id, RunStatus.RUNNING)  # nobody watches it who would do so
            _logger.info("Job %s goes on by itself; to record it, run `tg-mlflow attach %s`", job.job_id, run_id)
            return job, True
        if not executor.traits.is_in_process:
            preparation.start()  # not before the project's modules are gone: how modules are found changes until then
            _log_package_early(client, run_id, package.path, is_first)
        with training.source.following(executor, job.job_id), showing(training.show, description) as show:
            missing_log = watch_job(client, job, recorder, show, waits.is_scheduled)
        observing.close()
        guard.finish()
        preparation.wait()
        is_recorded = record_result(client, job, dataset, config.log, missing_log)
        return job, is_still_needed(job.status, is_recorded)


def _log_channels(client: TrackingClient, run_id: str, delivery: SagemakerConfig) -> None:
    """Logs what is in the channels, before the job can change it."""
    if channels := delivery.options.local_channels:
        from tg_mlflow.results.dataset import log_channels  # as importing pandas takes a second

        attempts = Attempts(client.mask)
        log_channels(client, run_id, channels, attempts)
        note_missing(client, run_id, attempts.missing)


def _log_package_early(client: TrackingClient, run_id: str, path: Path, is_first: bool) -> None:
    """Logs the package while the job starts, so that a run has it however it ends; if that fails, it is tried again."""
    try:
        log_package(client.without_patience(), run_id, path, {} if is_first else None)
    except TrackingError as error:
        _logger.debug("The package of run %s is logged later: %s", run_id, error)


def _is_detached(config: PlaceConfig) -> bool:
    return bool(getattr(config, "detach", False))
