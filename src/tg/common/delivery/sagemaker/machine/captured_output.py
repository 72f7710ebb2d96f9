"""Captures the output of a training in this process as its log, whoever writes it.

During the training, file descriptors 1 and 2 lead to the log's file. It is a file and not a pipe: a writer never waits
for a reader, which C code that holds Python's lock would do for ever.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ....logger import Logger
from ....system.interrupts import uninterrupted
from ..contract.log_event import LogEvent
from ..contract.shown_log import ShownLog
from ..executor.log_tail import Listener
from ..job_files.job_folder import JobFolder
from ..runtime.c_output import flush_c_output
from .routed_streams import Console, TrainingThreads, flush_streams, routing_streams, write_whole

# How often to poll the file; there is no event for a file that grows.
_POLL_SECONDS = 0.05
_CHUNK_BYTES = 1 << 20

_DESCRIPTORS = (1, 2)


@contextmanager
def capturing_output(folder: JobFolder, listener: Listener | None) -> Iterator[None]:
    """Redirects this process's output to a job's log while the context is open, and shows it.

    This covers Python, C code and child processes that write to stdout and stderr, and the training log. What the
    launcher's threads write with Python goes to the console alone.

    Args:
        folder: The job's folder.
        listener: Called with each piece of the output, in a thread of its own. If it returns an event, that is shown
            instead of the piece.

    Raises:
        Exception: The first exception of the listener.
    """
    with ExitStack() as stack:
        # An interrupt during set-up or restoration would leave the streams in neither state.
        with uninterrupted() as held:
            follower = stack.enter_context(_redirecting(folder, listener))
        try:
            held.raise_any()
            yield
        finally:
            with uninterrupted() as held:
                stack.close()
            held.raise_any()
    if follower.error is not None:
        raise follower.error


@contextmanager
def _redirecting(folder: JobFolder, listener: Listener | None) -> Iterator["_Follower"]:
    threads = TrainingThreads()
    with ExitStack() as stack:
        out, error = Console(sys.stdout, 1), Console(sys.stderr, 2)
        stack.callback(error.close)
        stack.callback(out.close)
        log = stack.enter_context(folder.log.open("ab", buffering=0))
        follower = _Follower(folder, listener, out)
        threads.leave_out(follower.thread)
        follower.thread.start()
        stack.callback(follower.finish)
        # From here on in the reverse order of restoration: buffers are flushed, the descriptors restored, the rest
        # read.
        stack.enter_context(_pointing_descriptors(log.fileno()))
        stack.enter_context(Logger.instead_of_stdout(_LogHandler(log.fileno(), out, threads)))
        stack.enter_context(threads.following())
        stack.enter_context(routing_streams(out, error, threads))
        yield follower


@contextmanager
def _pointing_descriptors(target: int) -> Iterator[None]:
    """Redirects stdout and stderr to another file, also for C code and child processes."""
    streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    flush_streams(*streams)
    flush_c_output()
    saved = {number: _duplicate(number) for number in _DESCRIPTORS}
    for number in saved:
        os.dup2(target, number)
    try:
        yield
    finally:
        flush_streams(*streams)
        flush_c_output()
        for number, original in saved.items():
            if original is None:
                os.close(number)
            else:
                os.dup2(original, number)
                os.close(original)


def _duplicate(number: int) -> int | None:
    try:
        return os.dup(number)
    except OSError:  # it is closed
        return None


class _LogHandler(logging.Handler):
    """Writes a training's log lines, wherever the task redirects stdout; other threads' lines are shown."""

    def __init__(self, descriptor: int, console: Console, threads: TrainingThreads) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._console = console
        self._threads = threads

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = f"{self.format(record)}\n".encode()
            if self._threads.has_current():
                write_whole(self._descriptor, line)
            else:
                self._console.write(line)
        except Exception:  # noqa: BLE001 - as in logging: a message that cannot be written raises nothing
            self.handleError(record)


class _Follower:
    """Reads the log as it grows, in a thread of its own: records the times, calls the listener, and shows it."""

    def __init__(self, folder: JobFolder, listener: Listener | None, console: Console) -> None:
        self.error: Exception | None = None
        self._folder = folder
        self._listener = listener
        self._console = console
        self._shown = ShownLog()
        self._has_ended = threading.Event()
        self.thread = threading.Thread(target=self._follow, name="output", daemon=True)

    def finish(self) -> None:
        """Reads the present content to its end."""
        self._has_ended.set()
        self.thread.join()

    def _follow(self) -> None:
        try:
            self._read_to_end()
        except Exception as error:  # noqa: BLE001 - raised where the training ends
            self.error = self.error or error

    def _read_to_end(self) -> None:
        with self._folder.log.open("rb", buffering=0) as log, self._folder.times.open("ab", buffering=0) as times:
            is_last = False
            while not is_last:
                is_last = self._has_ended.wait(_POLL_SECONDS)
                while data := log.read(_CHUNK_BYTES):
                    try:
                        event = LogEvent(data, time.time_ns() // 1_000_000)
                        times.write(b"%d %d\n" % (event.time_ms, log.tell()))
                        self._tell(event)
                    except Exception as error:  # noqa: BLE001 - raised where the training ends
                        self.error = self.error or error
        self._console.write(self._shown.finish())

    def _tell(self, event: LogEvent) -> None:
        shown = None if self._listener is None else self._listener(event)
        self._console.write(shown.data if isinstance(shown, LogEvent) else self._shown.feed(event.data))
