"""The timeline of a run: each change of its state, with its time and its cause, kept in the run itself."""

import logging
import re
import time
from typing import Any, Protocol

from mlflow.entities import Run, RunStatus
from mlflow.utils.mlflow_tags import MLFLOW_PROJECT_BACKEND, MLFLOW_PROJECT_ENTRY_POINT, MLFLOW_USER

from tg.common.secrets import SecretMask
from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.tags import EVENTS_TAG, FAILURE_REASON_TAG, STOP_REASON_TAG
from tg_mlflow.tracking.timeline import Event, Timeline, format_events, parse_events

_logger = logging.getLogger("mlflow.tg_mlflow")

_REASON_TAGS = {"KILLED": STOP_REASON_TAG, "FAILED": FAILURE_REASON_TAG}
_LONGEST_CAUSE = 300
_NOT_PRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


class NotingClient(Protocol):
    """What is needed of :class:`tg_mlflow.tracking.client.TrackingClient`."""

    mask: SecretMask
    timelines: dict[str, Timeline]

    def without_patience(self) -> "NotingClient":
        """Returns a client that does not wait for a server that is away."""

    def get_run(self, run_id: str) -> Run:
        """Reads a run."""

    def set_tag(self, run_id: str, key: str, value: Any) -> None:
        """Sets a tag of a run."""


def note_event(
    client: NotingClient,
    run_id: str,
    state: str,
    cause: str = "",
    time_ms: int | None = None,
    is_urgent: bool = True,
) -> None:
    """Adds a change of state to a run's timeline, unless that has it already. It never raises for what the server does.

    That is one request, and one more for the first change that a client notes of a run. A server that is away is not
    waited for: what it does not take is written with the next change. Only the process that records a run may call
    this. How a run was created and has ended is read from MLflow's own data, and need not be noted.

    Args:
        client: The tracking server's.
        run_id: The run.
        state: What the run, or its job, has come to.
        cause: Why, in one line.
        time_ms: When, in milliseconds since 1970; by default now. What is read from a job's log has the time that it
            has there, so that who reads the log again notes nothing twice.
        is_urgent: Whether it is written at once; otherwise the next change is, and this one with it.
    """
    cause = _NOT_PRINTABLE.sub(" ", client.mask.mask(cause)).strip()[:_LONGEST_CAUSE]
    event = Event(time.time_ns() // 1_000_000 if time_ms is None else time_ms, state, cause)
    timeline = client.timelines.setdefault(run_id, Timeline())
    with timeline.lock:
        if time_ms is not None and timeline.has(event):
            return
        timeline.pending.append(event)
    if is_urgent:
        flush_events(client, run_id)


def flush_events(client: NotingClient, run_id: str, is_last: bool = False) -> bool:
    """Writes what was noted of a run and is not written yet; asks no server if there is nothing.

    Args:
        client: The tracking server's.
        run_id: The run.
        is_last: Whether nothing comes after it that would be written with it: then it is as patient as the client.

    Returns:
        Whether the run has all that was noted.
    """
    timeline = client.timelines.setdefault(run_id, Timeline())
    if not timeline.pending:
        return True
    asking = client if is_last else client.without_patience()
    with timeline.sending:
        try:
            if timeline.stored is None:
                timeline.stored = parse_events(asking.get_run(run_id).data.tags.get(EVENTS_TAG, ""))
            pending = list(timeline.pending)
            events = [*timeline.stored, *(event for event in pending if event not in timeline.stored)]
            if len(events) > len(timeline.stored):
                asking.set_tag(run_id, EVENTS_TAG, format_events(events))
        except TrackingError as error:
            _logger.debug("The timeline of run %s is not written: %s", run_id, error)
            return False
        with timeline.lock:
            timeline.stored = events
            del timeline.pending[: len(pending)]
    return True


def read_events(run: Run) -> list[Event]:
    """Reads a run's timeline, from its creation to its end, by time. What is damaged is left out."""
    tags = run.data.tags
    parts = {"by": MLFLOW_USER, "with": MLFLOW_PROJECT_BACKEND, "entry point": MLFLOW_PROJECT_ENTRY_POINT}
    origin = ", ".join(f"{word} {tags[tag]}" for word, tag in parts.items() if tags.get(tag))
    events = [Event(run.info.start_time, "created", origin), *parse_events(tags.get(EVENTS_TAG, ""))]
    if RunStatus.is_terminated(RunStatus.from_string(run.info.status)):
        reason = tags.get(_REASON_TAGS.get(run.info.status, ""))
        last = max(event.time_ms for event in events)
        ending = f"{run.info.status}: {reason}" if reason else run.info.status
        events.append(Event(run.info.end_time or last, "ended", ending))
    return sorted(events, key=lambda event: event.time_ms)
