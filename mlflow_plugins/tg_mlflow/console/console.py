"""Shows a job's output as it arrives."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tg.common.delivery.sagemaker import Listener, LogEvent, write_to_stdout
from tg.common.delivery.sagemaker.contract.own_lines import OwnLines
from tg_mlflow.console.verbosity import Verbosity, read_verbosity


class Console:
    """Leaves out what is not to be seen of the output of one training."""

    def __init__(self, verbosity: Verbosity) -> None:
        self._verbosity = verbosity
        self._own_lines = OwnLines()

    def pick(self, event: LogEvent) -> LogEvent:
        """Returns what is to be shown of a piece of output, which may be nothing."""
        if self._verbosity is Verbosity.VERBOSE:
            return event
        data = b"" if self._verbosity is Verbosity.QUIET else self._own_lines.feed(event.data)
        return replace(event, data=data)

    def show(self, event: LogEvent) -> None:
        """Shows a piece of output."""
        picked = self.pick(event)
        if picked.data:
            write_to_stdout(picked)

    def finish(self) -> None:
        """Shows the beginning of a line that was held back."""
        if rest := self._own_lines.finish():
            write_to_stdout(LogEvent(rest, 0))


@contextmanager
def showing(show: Listener | None) -> Iterator[Listener]:
    """Opens what shows the output of a job: ``show``, or without it the console.

    Raises:
        BackendConfigError: If ``TG_VERBOSITY`` has a value that there is not.
    """
    if show is not None:
        yield show
        return
    console = Console(read_verbosity())
    try:
        yield console.show
    finally:
        console.finish()
