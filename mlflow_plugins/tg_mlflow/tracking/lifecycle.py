"""Ends an MLflow run on every path."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from mlflow.entities import RunStatus

from tg.common import DeliveryError, JobStoppedError
from tg.common.errors import JobUnreachableError
from tg.common.system.interrupts import uninterrupted
from tg_mlflow.errors import RecordingError, RunEndedError, RunTakenError, TrackingError, describe_failure
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.events import flush_events
from tg_mlflow.tracking.job_runs import end_job_runs
from tg_mlflow.tracking.missing import note_missing
from tg_mlflow.tracking.stop_reasons import describe_stop, write_stop_reason
from tg_mlflow.tracking.tags import EVENTS_TAG, FAILURE_REASON_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")

# Describes a run that is about to get this status, by a client that waits for the server as long as that is to be done
# now; it raises nothing.
Describe: TypeAlias = Callable[[TrackingClient, str], object]


def _describe_nothing(client: TrackingClient, status: str) -> None:
    """Leaves a run's description as it is."""


@dataclass
class Ending:
    """How a run is to end.

    Attributes:
        is_due: Whether the run ends if nothing goes wrong; it does not where its job goes on by itself.
        describe: Called just before the run ends.
    """

    is_due: bool = True
    describe: Describe = _describe_nothing


@contextmanager
def ending_run(client: TrackingClient, run_id: str, kills: bool = True, is_open: bool = True) -> Iterator[Ending]:
    """Ends the run when the context is left, and those that its job has made and not ended.

    It is FINISHED if that is due, FAILED with the reason as a tag, or KILLED for an interrupt, with a tag that says who
    or what has stopped it.

    A run whose recording is not complete is not ended, nor is a run ended again that another process has ended
    meanwhile and whose job it has removed. After an interrupt, a server that is away is not waited for. Whatever is
    raised goes on to the caller.

    Args:
        client: The tracking server's.
        run_id: The run.
        kills: Whether an interrupt ends the run, too; it does not where the job goes on.
        is_open: Whether the run has not ended at the beginning.

    Raises:
        RecordingError: If the server does not take the end, also when something else is being raised.
        RunEndedError: If another process has ended the run, in place of what that has led to here.
    """
    ending = Ending()
    try:
        yield ending
    except JobStoppedError as error:
        _kill(client, run_id, error, ending.describe)
        raise
    except (KeyboardInterrupt, GeneratorExit) as error:
        if kills:
            _kill(client, run_id, error, ending.describe)
        raise
    except (RecordingError, JobUnreachableError, RunTakenError):
        raise  # the process that records the rest ends the run
    except BaseException as error:
        if is_open and isinstance(error, DeliveryError):
            _check_is_open(client, run_id, error)
        try:
            client.set_tag(run_id, FAILURE_REASON_TAG, describe_failure(error))
        finally:
            _end(client, run_id, RunStatus.FAILED, ending.describe)
        raise
    if ending.is_due:
        _end(client, run_id, RunStatus.FINISHED, ending.describe)


def kill_run(client: TrackingClient, run_id: str, interrupt: BaseException) -> None:
    """Ends a run as KILLED after an interrupt, unless it has ended, and logs its status.

    Raises:
        RecordingError: If the server does not take it.
    """
    client = client.without_patience()
    killed, status = RunStatus.to_string(RunStatus.KILLED), client.get_run(run_id).info.status
    if not RunStatus.is_terminated(RunStatus.from_string(status)):
        _kill(client, run_id, interrupt)
        status = killed
    when = "it was interrupted" if status == killed else "it was interrupted after its end"
    _logger.error("=== Run %s %s: %s ===", run_id, status, when)


def _check_is_open(client: TrackingClient, run_id: str, error: DeliveryError) -> None:
    try:
        status = client.without_patience().get_run(run_id).info.status
    except TrackingError:
        return  # it is seen when the run is to be ended
    if RunStatus.is_terminated(RunStatus.from_string(status)):
        raise RunEndedError(f"another process has ended the run meanwhile ({describe_failure(error)})") from error


def _kill(client: TrackingClient, run_id: str, error: BaseException, describe: Describe = _describe_nothing) -> None:
    write_stop_reason(client, run_id, describe_stop(error))
    _end(client.without_patience(), run_id, RunStatus.KILLED, describe)


def _end(client: TrackingClient, run_id: str, status: int, describe: Describe) -> None:
    word = str(RunStatus.to_string(status))
    if not flush_events(client, run_id, is_last=True):
        note_missing(client, run_id, [EVENTS_TAG])
    try:
        with uninterrupted() as held:
            describe(client, word)
        end_job_runs(client, run_id, client.find_experiment(run_id), word)
        client.set_terminated(run_id, word)
    except (TrackingError, KeyboardInterrupt) as error:
        if isinstance(error, TrackingError) and _has_status(client, run_id, word):
            return  # only the answer was lost
        raise RecordingError(
            f"the tracking server did not take that run {run_id} is {word} ({describe_failure(error)}); the job is "
            f"kept: when the server is back, run `tg-mlflow attach {run_id}`"
        ) from error
    held.raise_any()


def _has_status(client: TrackingClient, run_id: str, word: str) -> bool:
    try:
        return bool(client.without_patience().get_run(run_id).info.status == word)
    except TrackingError:
        return False
