"""The first process of a container: it passes the training's output on, and says at its end how much that was.

The training is its child, forked before anything large is imported, so that both together take hardly more memory. The
relay outlives a training that is killed, as for lack of memory, and says why it has ended. What the training has left
running ends with the container.
"""

import json
import os
import select
import signal
import sys
import time
from datetime import datetime
from typing import NoReturn

from ..archive.completion import add_log_size
from ..archive.names import COMPLETION
from ..contract.cluster import read_cluster
from ..contract.killed import explain_signal
from ..contract.log_size import AGAIN, LogCounter, format_log_end
from ..contract.ml_folder import LEADER, RESOURCES_NAME, MlFolder
from ..contract.variables import EXIT_FAILED, ML_FOLDER_VARIABLE, TRAIN_ARGUMENT, is_one_of_several
from .earlier_start import forget_earlier_start

# What a container engine may send to its first process.
_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_CHUNK_BYTES = 1 << 16
# How long the output is read at most when the training has ended: what it has left running may write for ever.
_REST_SECONDS = 2
# SIGTERMs that follow each other so soon are one request: before a container's first process has a handler, the signal
# is lost, so the place repeats it each second.
_REPEAT_SECONDS = 5

_is_relayed = False


def is_relayed() -> bool:
    """Returns whether this process is a training whose output goes through a relay."""
    return _is_relayed


def start_relay() -> None:
    """Lets this process go on as the training's relay, and returns in a new one, which is to train.

    It does nothing where a supervisor keeps the output, for an image that is only checked, and in a process that an
    engine has started.
    """
    is_first = ML_FOLDER_VARIABLE not in os.environ and not is_one_of_several()
    if is_first and sys.argv[1:] in ([], [TRAIN_ARGUMENT]):
        fork_training(MlFolder())


def fork_training(folder: MlFolder) -> None:
    """Forks, and returns in the child, whose output goes to its parent; the parent ends with the child's exit code.

    SIGTERM stays blocked in the child until it handles it: none is lost.

    Args:
        folder: Where the training tells its end.
    """
    global _is_relayed
    is_again = forget_earlier_start(folder)
    reader, writer = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
    child = os.fork()
    if child:
        os.close(writer)
        _Relay(child, reader, folder, is_again).run()
    for stream in (1, 2):
        os.dup2(writer, stream)
    os.close(reader)
    os.close(writer)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, set(_FORWARDED) - {signal.SIGTERM})
    _is_relayed = True


class _Relay:
    def __init__(self, child: int, reader: int, folder: MlFolder, is_again: bool) -> None:
        self._child = child
        self._reader = reader
        self._folder = folder
        self._status: int | None = None  # of the child, once it has ended
        self._counter = LogCounter()
        self._is_heard = True
        self._is_in_line = False
        self._is_again = is_again
        self._term_time = float("-inf")

    def run(self) -> NoReturn:
        """Passes on the output until the training has ended, and exits as it has."""
        if self._is_again:
            self._write(AGAIN)
        self._pass_on()
        code = os.waitstatus_to_exitcode(self._status or 0)
        reason, code = self._judge(code)
        if reason is not None:
            self._report(reason)
        if self._is_in_line:
            self._take(b"\n")
        if code == 0:
            self._note_size()
        self._write(format_log_end(self._counter.size))
        os._exit(code)

    def _pass_on(self) -> None:
        waked, waker = os.pipe()
        os.set_blocking(waker, False)
        os.set_blocking(waked, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)  # or the end of a child would not end a poll
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in _FORWARDED:
            signal.signal(number, self._forward)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
        poll = select.poll()
        poll.register(waked, select.POLLIN)
        poll.register(self._reader, select.POLLIN)
        self._reap()  # it may have ended before its end could be noticed
        while self._status is None:
            for ready, _ in poll.poll():
                if ready == waked:
                    os.read(waked, _CHUNK_BYTES)
                    self._reap()
                elif not self._read():
                    poll.unregister(self._reader)  # a task may close its output, and go on
        deadline = time.monotonic() + _REST_SECONDS
        while time.monotonic() < deadline and select.select([self._reader], [], [], 0)[0] and self._read():
            continue

    def _forward(self, number: int, frame: object) -> None:
        if number == signal.SIGTERM:
            before, self._term_time = self._term_time, time.monotonic()
            if self._term_time - before < _REPEAT_SECONDS:
                return
        if self._status is None:
            os.kill(self._child, number)

    def _reap(self) -> None:
        """Reaps what has ended: the first process of a container inherits what others leave."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._child:
                self._status = status

    def _read(self) -> bool:
        """Passes on what there is; returns whether there may be more."""
        data = os.read(self._reader, _CHUNK_BYTES)
        if data:
            self._take(data)
        return bool(data)

    def _take(self, data: bytes) -> None:
        self._counter.feed(data)
        self._is_in_line = not data.endswith(b"\n")
        self._write(data)

    def _write(self, data: bytes) -> None:
        """Writes to the container's log. If nothing reads it, the training goes on, and its log is too short."""
        rest = memoryview(data)
        while rest and self._is_heard:
            try:
                rest = rest[os.write(1, rest) :]
            except BlockingIOError:
                select.select([], [1], [])
            except OSError:
                self._is_heard = False

    def _judge(self, code: int) -> tuple[str | None, int]:
        """Returns why the training has failed, unless it has said so itself, and the exit code."""
        if code < 0:
            return explain_signal(-code), 128 - code
        if code == 0:
            if (self._folder.model / COMPLETION).is_file() or not read_cluster(self._folder).is_leader:
                return None, 0
            return "its process ended with exit code 0 before the training's end, as by os._exit(0)", EXIT_FAILED
        if self._folder.failure.is_file():
            return None, code
        return f"its process ended with exit code {code} without saying why; see the end of its log", code

    def _report(self, reason: str) -> None:
        # Only now, so that this process stays small.
        from ...delivery.package.package_check import FAILURE_PREFIX

        line = f"{datetime.now():%Y-%m-%d %H:%M:%S.%f} ERROR: {FAILURE_PREFIX}{reason}\n"
        self._take((b"\n" if self._is_in_line else b"") + line.encode())
        try:
            self._folder.failure.parent.mkdir(parents=True, exist_ok=True)
            self._folder.failure.write_text(f"{reason}\n", encoding="utf-8")
        except OSError as problem:
            self._take(f"The failure file cannot be written: {problem}\n".encode())

    def _note_size(self) -> None:
        try:
            host = json.loads((self._folder.config / RESOURCES_NAME).read_bytes())["current_host"]
        except (OSError, ValueError, KeyError, TypeError):
            host = LEADER
        try:
            add_log_size(self._folder.model, {"host": str(host), **self._counter.size.to_json()})
        except (OSError, ValueError, TypeError) as problem:  # the disk is full, or a task has written the file anew
            self._take(f"The size of the log cannot be noted: {problem}\n".encode())
