"""Keeps the description of a training's run as new as what its job says, while it trains and at its end."""

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from tg.common.delivery.sagemaker import LogTail
from tg.common.delivery.sagemaker.contract.job_lines import PROGRESS
from tg_mlflow.description.durations import format_duration
from tg_mlflow.description.progress import Progress, ProgressMeter
from tg_mlflow.description.writing import write_description
from tg_mlflow.tracking.client import TrackingClient

# A training that is over so soon is described at its end.
_FIRST_SECONDS = 1
_PAUSE_SECONDS = 10
# Of a long training, a description is as good for a longer while: for so large a part of the time that it takes.
_PAUSE_SHARE = 0.02
_FAILED = "FAILED"


class RunDescription:
    """Writes a run's description, as :func:`write_description` does: at the start, when the job has said how far it is,
    and at the end.

    A context, in which it is written from a thread of its own, which starts when the job first says how far it is.

    Args:
        client: The tracking server's, which is not waited for while it trains.
        run_id: The run.

    Attributes:
        tell: Called with how much is done, of how much, and that as a text, each time when the job has said so.
    """

    def __init__(self, client: TrackingClient, run_id: str) -> None:
        self.tell: Callable[[int, int, str], None] | None = None
        self._hasty = client.without_patience()
        self._run_id = run_id
        self._meter = ProgressMeter()
        self._tail: LogTail | None = None
        self._has_news = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "RunDescription":
        return self

    @property
    def handlers(self) -> Mapping[str, Callable[[Mapping[str, Any], int], None]]:
        """What takes a job's records, by what they are about."""
        return {PROGRESS: self._take_progress}

    def follow(self, tail: LogTail) -> None:
        """Takes what explains a failure from the end of an output."""
        self._tail = tail

    def begin(self) -> None:
        """Describes the training at its start."""
        write_description(self._hasty, self._run_id)

    def end(self, client: TrackingClient, status: str) -> None:
        """Describes the training at its end, as of which its run has this status.

        Args:
            client: The tracking server's, which is waited for: what was written before is not true any more.
            status: The status.
        """
        output = self._tail.lines if self._tail is not None and status == _FAILED else ()
        write_description(client, self._run_id, status, self._meter.progress, output)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed.set()
        self._has_news.set()
        if self._thread is not None:
            self._thread.join()

    def _take_progress(self, record: Mapping[str, Any], time_ms: int) -> None:
        before = self._meter.progress
        self._meter.take(record, time_ms)
        now = self._meter.progress
        if now is None or now == before:
            return
        if self.tell is not None:
            self.tell(now.done, now.of, self._hasty.mask.mask(_describe(now)))
        if not 0 < now.done < now.of or self._closed.is_set():
            return
        self._has_news.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_until_closed, name="tg-description", daemon=True)
            self._thread.start()

    def _write_until_closed(self) -> None:
        start = time.monotonic()
        self._closed.wait(_FIRST_SECONDS)
        while not self._closed.is_set():
            self._has_news.clear()
            write_description(self._hasty, self._run_id, progress=self._meter.progress)
            self._closed.wait(max(_PAUSE_SECONDS, _PAUSE_SHARE * (time.monotonic() - start)))
            self._has_news.wait()


def _describe(progress: Progress) -> str:
    left = f", {format_duration(progress.left_seconds)} left" if progress.left_seconds else ""
    return f"{progress.unit} {progress.done:,} of {progress.of:,}{left}"
