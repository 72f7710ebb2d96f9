"""Records the rest of a job whose launcher is gone, to its own end or after stopping it."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from mlflow.entities import RunStatus

from tg.common import JobFailedError
from tg.common.delivery.sagemaker import Executor, JobStatus, Listener
from tg.common.errors import JobMissingError
from tg.common.system.disk_errors import is_of_the_disk
from tg_mlflow.console import showing
from tg_mlflow.cost.costs import Costs
from tg_mlflow.cost.guard import guarding_cost
from tg_mlflow.description.run_description import RunDescription
from tg_mlflow.description.writing import end_described, write_description
from tg_mlflow.errors import RecordingError, RunNotOursError, describe_failure
from tg_mlflow.recording.recorder import RunRecorder
from tg_mlflow.registration.registration import settle_registration
from tg_mlflow.replay.replayer import Replayer
from tg_mlflow.results.artifacts import log_package, log_unchanged_input
from tg_mlflow.results.optional_parts import Attempts
from tg_mlflow.takeover.run_job import RunJob, find_run_place
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.events import note_event
from tg_mlflow.tracking.launcher import describe_last_launcher, launching
from tg_mlflow.tracking.lifecycle import ending_run
from tg_mlflow.tracking.missing import note_missing
from tg_mlflow.tracking.search import is_running
from tg_mlflow.tracking.state import read_state
from tg_mlflow.tracking.stop_reasons import describe_user
from tg_mlflow.tracking.tags import (
    FAILURE_REASON_TAG,
    LOG_CURSOR_TAG,
    MISSING_LOG_TAG,
    MISSING_TAG,
    NOT_UPLOADED_TAG,
    PLACE_TAG,
    REGISTER_TAG,
)
from tg_mlflow.training.job import is_still_needed
from tg_mlflow.training.job_notes import note_log
from tg_mlflow.training.job_watch import record_result, watch_job
from tg_mlflow.training.kept_run import find_kept_package
from tg_mlflow.training.wait_notes import noting_waits
from tg_mlflow.usage.sampler import sampling_usage

_SCHEDULED = RunStatus.to_string(RunStatus.SCHEDULED)


def record_rest(
    client: TrackingClient,
    found: RunJob,
    show: Listener | None = None,
    following: Callable[[Executor, str], AbstractContextManager[None]] = lambda *_: nullcontext(),
    costs: Costs | None = None,
) -> bool:
    """Records a job's output from its beginning, waits for its end, logs its results and ends the run.

    Args:
        client: The tracking server's.
        found: The run, and its job, which is there.
        show: Shows the output; by default the console does.
        following: Opens what is needed while the job is waited for.
        costs: What it costs, with others of the same budget; by default what the run's configuration says.

    Returns:
        Whether the results are uploaded; otherwise they are kept.

    Raises:
        JobFailedError: If the job has failed or was stopped; the run says so then, too.
        LogMissingError: If its output is not here as a whole; the run says so.
        RecordingError: If the tracking server does not take it, or this machine's disk does not take what it needs.
        RunEndedError: If another process has ended the run meanwhile.
        RunNotOursError: If the tag that says how much is recorded is damaged.
    """
    run_id, tags, executor = found.run_id, found.run.data.tags, found.executor
    written = _read_cursor(found) if executor.traits.repeats_logs else 0
    replayer, description = Replayer(client, run_id), RunDescription(client, run_id)
    with ExitStack() as afterwards:
        try:
            with (
                launching(client, run_id),
                noting_waits(client, run_id),
                ending_run(client, run_id, kills=False, is_open=is_running(found.run)) as ending,
                _needing_disk(found),
                description,
                RunRecorder(client, run_id, replayer, written, found.metric_regexes, description.handlers) as recorder,
            ):
                ending.describe = description.end
                description.follow(recorder.tail)
                _note_takeover(client, found)
                seconds = found.log.system_metrics_seconds
                sampling = sampling_usage(client, run_id, executor, found.job_id, seconds)
                earlier_jobs = read_state(found.run).earlier_jobs
                with (
                    _guarding(client, found, costs, len(earlier_jobs)),
                    following(executor, found.job_id),
                    sampling,
                    showing(show, description) as shown,
                ):
                    for earlier in earlier_jobs:
                        for event in executor.logs(earlier):
                            shown(recorder.take(event))
                    recorder.begin_job()
                    is_scheduled = found.run.info.status == _SCHEDULED
                    missing_log = watch_job(client, found, recorder, shown, is_scheduled)
                if MISSING_TAG in tags:
                    client.delete_tag(run_id, MISSING_TAG)  # that is tried again
                if MISSING_LOG_TAG in tags and missing_log is None:
                    for tag in {MISSING_LOG_TAG, FAILURE_REASON_TAG} & tags.keys():
                        client.delete_tag(run_id, tag)
                is_recorded = record_result(client, found, found.dataset, found.log, missing_log)
        except JobFailedError as error:
            _log_package_and_dataset(client, found)
            if not is_still_needed(JobStatus.FAILED, False, error):
                afterwards.callback(found.discard)
            raise
        if is_recorded and note_log(client, run_id, recorder.log_failure):
            return False
        if is_recorded and NOT_UPLOADED_TAG in tags:
            client.delete_tag(run_id, NOT_UPLOADED_TAG)
        if not is_still_needed(JobStatus.COMPLETED, is_recorded):
            afterwards.callback(found.discard)
        if REGISTER_TAG in tags:
            settle_registration(client, run_id)
        if {REGISTER_TAG, NOT_UPLOADED_TAG} & tags.keys():
            write_description(client, run_id)  # it tells of that
        return is_recorded


@contextmanager
def _needing_disk(found: RunJob) -> Iterator[None]:
    """Leaves a run open where this machine's disk does not take what its recording needs: that is not the job's fault.

    Raises:
        RecordingError: In place of an error of the disk.
    """
    try:
        yield
    except OSError as error:
        if not is_of_the_disk(error):
            raise
        raise RecordingError(
            f"run {found.run_id} cannot be recorded now ({describe_failure(error)}); what job {found.job_id} has said "
            f"and made is kept: when that is settled, run `tg-mlflow attach {found.run_id}`"
        ) from error


@contextmanager
def _guarding(client: TrackingClient, found: RunJob, costs: Costs | None, attempt: int) -> Iterator[None]:
    """Records what the job costs, and keeps to its budget, as far as that is known."""
    costs = costs or _find_costs(found)
    if costs is None:
        yield
        return
    with guarding_cost(client, found.run_id, found.executor, found.job_id, costs, attempt) as guard:
        guard.has_job = True
        yield


def _find_costs(found: RunJob) -> Costs | None:
    """Finds what a job costs and may cost; ``None`` if its place or its configuration is not known here."""
    try:
        place = find_run_place(found.run_id, found.run.data.tags[PLACE_TAG])
        return Costs(place, place.config_model.model_validate(read_state(found.run).config))
    except (ValueError, RunNotOursError):
        return None


def _note_takeover(client: TrackingClient, found: RunJob) -> None:
    """Notes that this process goes on with a run, and that the one before is gone if it was to record it to its end."""
    pid, host = describe_last_launcher(found.run.data.tags)
    if pid is not None and is_running(found.run):
        note_event(client, found.run_id, "launcher gone", f"process {pid} on {host} has not ended the run")
    note_event(client, found.run_id, "attached", f"by process {os.getpid()} of {describe_user()}")


def _log_package_and_dataset(client: TrackingClient, found: RunJob) -> None:
    """Logs the package and the dataset of a failed job, if its launcher did not come to that, so that it can be trained
    again; of other jobs, the archive has the package. A dataset that has changed since is another one.
    """
    attempts = Attempts(client.mask)
    with attempts("package"):
        if (path := find_kept_package(found.job_id)) is not None:
            log_package(client, found.run_id, path)
    if found.dataset is not None and found.log.dataset:
        with attempts("dataset"):
            log_unchanged_input(client, found.run_id, found.dataset, found.run.info.start_time)
    note_missing(client, found.run_id, attempts.missing)


def _read_cursor(found: RunJob) -> int:
    text = found.run.data.tags.get(LOG_CURSOR_TAG, "0")
    if not text.isascii() or not text.isdecimal():
        raise RunNotOursError(
            f"the tag {LOG_CURSOR_TAG} of run {found.run_id!r} is damaged: {text!r}; give a number of bytes, or remove "
            "the tag to record all again"
        )
    return int(text)


def cancel_job(client: TrackingClient, found: RunJob) -> None:
    """Stops a job, records what its launcher has not, and ends its run: as KILLED, unless the job had completed.

    Raises:
        DeliveryError: If the job cannot be stopped from here.
        RecordingError: If the tracking server does not take what the job has said; it is kept.
    """
    found.executor.cancel(found.job_id)
    try:
        record_rest(client, found, show=lambda event: None)
    except JobFailedError:
        return  # the run says so, as of one that was stopped
    except JobMissingError:
        end_described(client, found.run_id, RunStatus.to_string(RunStatus.KILLED))
