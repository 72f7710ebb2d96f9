"""Shows a job's output as it arrives."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from tg.common.delivery.sagemaker import Listener, LogEvent, write_to_stdout
from tg.common.delivery.sagemaker.contract.own_lines import OwnLines
from tg_mlflow.console.colours import is_terminal
from tg_mlflow.console.progress_line import ProgressLine
from tg_mlflow.console.user_names import UserNames
from tg_mlflow.console.verbosity import Verbosity, read_verbosity


class Console:
    """Leaves out what is not to be seen of the output of one training, and names files and modules as its user does.

    Args:
        verbosity: How much is to be seen.
        progress: The line that says how far the training is; by default there is none.
    """

    def __init__(self, verbosity: Verbosity, progress: ProgressLine | None = None) -> None:
        self._verbosity = verbosity
        self._progress = progress
        self._own_lines = OwnLines()
        self._user_names = UserNames()
        self._is_at_line_start = True

    def pick(self, event: LogEvent) -> LogEvent:
        """Returns what is to be shown of a piece of output, which may be nothing."""
        if self._verbosity is Verbosity.VERBOSE:
            return event
        if self._verbosity is Verbosity.QUIET:
            return replace(event, data=b"")
        return replace(event, data=self._user_names.feed(self._own_lines.feed(event.data)))

    def show(self, event: LogEvent) -> None:
        """Shows a piece of output."""
        self._write(self.pick(event))

    def finish(self) -> None:
        """Shows the beginning of a line that was held back."""
        self._write(LogEvent(self._user_names.feed(self._own_lines.finish()) + self._user_names.finish(), 0))

    def _write(self, event: LogEvent) -> None:
        if not event.data:
            return
        if self._progress is not None and self._is_at_line_start:
            self._progress.clear()
        write_to_stdout(event)
        self._is_at_line_start = event.data.endswith(b"\n")
        if self._progress is not None and self._is_at_line_start:
            self._progress.redraw()


class Telling(Protocol):
    """What tells how far a training is, as :class:`tg_mlflow.description.run_description.RunDescription` does.

    Attributes:
        tell: Called with how much is done, of how much, and that as a text.
    """

    tell: Callable[[int, int, str], None] | None


@contextmanager
def showing(show: Listener | None, progress: Telling | None = None) -> Iterator[Listener]:
    """Opens what shows the output of a job: ``show``, or without it the console, with the progress in its last line.

    Raises:
        BackendConfigError: If ``TG_VERBOSITY`` has a value that there is not.
    """
    if show is not None:
        yield show
        return
    with showing_progress() as line:
        console = Console(read_verbosity(), line)
        if line is not None and progress is not None:
            progress.tell = line.show
        try:
            yield console.show
        finally:
            if progress is not None:
                progress.tell = None
            console.finish()


@contextmanager
def showing_progress() -> Iterator[ProgressLine | None]:
    """Opens the last line of a terminal, and takes it away at the end; ``None`` where nothing is to be shown there.

    Raises:
        BackendConfigError: If ``TG_VERBOSITY`` has a value that there is not.
    """
    if read_verbosity() is Verbosity.QUIET or not is_terminal(sys.stderr):
        yield None
        return
    line = ProgressLine(sys.stderr)
    try:
        yield line
    finally:
        line.close()
