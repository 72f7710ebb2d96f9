"""One line a message, on stdout: what a training says, in a process and in a container alike."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar


class _LineFormatter(logging.Formatter):
    """Formats a record as ``2022-12-20 17:37:25.113050 INFO: text``, local time, microseconds."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created)
        line = f"{moment:%Y-%m-%d %H:%M:%S.%f} {record.levelname}: {record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        # What is no text, such as half of a character in the name of a file, could not be written.
        return line.encode("utf-8", "backslashreplace").decode()


class _StdoutHandler(logging.Handler):
    """Writes to what ``sys.stdout`` is at the moment of writing, so that notebooks and redirections see the line."""

    # A package that is loaded in this process has a class of its own for the one logger, and knows this one by it.
    writes_to_stdout = True

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(_LineFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        try:
            show(f"{self.format(record)}\n")
        except Exception:  # noqa: BLE001 - logging's own way: a message that cannot be written ends nothing
            self.handleError(record)


def show(text: str) -> None:
    """Writes to stdout, if there is one and somebody reads it: a training goes on when its terminal is closed.

    Characters that the terminal has none for are written as escapes.
    """
    stdout = sys.stdout  # which somebody may have put something simpler in the place of
    if stdout is None or getattr(stdout, "closed", False):
        return
    encoding = getattr(stdout, "encoding", None) or "utf-8"
    try:
        stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stdout.flush()
    except OSError:
        # Whatever is buffered would be tried again, and complained of, when the program ends.
        sys.stdout = open(os.devnull, "w", encoding=encoding)  # noqa: SIM115 - for as long as the program lives


def _is_shown(handler: logging.Handler) -> bool:
    stream = getattr(handler, "stream", None)
    is_ours = getattr(handler, "writes_to_stdout", False)
    return is_ours or (stream is not None and stream in (sys.stdout, sys.stderr))


class Logger:
    """The training log, thin over :mod:`logging`.

    A line reads ``2022-12-20 17:37:25.113050 INFO: text``. The standard logger behind it is called ``tg.training``; it
    gets its handler with the first message, not on import, and leaves the root logger alone.
    """

    name: ClassVar[str] = "tg.training"

    @classmethod
    def _logger(cls) -> logging.Logger:
        logger = logging.getLogger(cls.name)
        if not logger.handlers:
            logger.addHandler(_StdoutHandler())
            logger.setLevel(logging.INFO)
            logger.propagate = False
        return logger

    @classmethod
    def _write(cls, level: int, message: object, exception: BaseException | None = None) -> None:
        logger = cls._logger()
        trace = None if exception is None else (type(exception), exception, exception.__traceback__)
        record = logger.makeRecord(logger.name, level, "", 0, "%s", (message,), trace)
        # Past what switches loggers off: a task that configures logging for itself, as `dictConfig` does for all that
        # there is, would lose its metrics.
        if logger.filter(record):
            logger.callHandlers(record)

    @classmethod
    def info(cls, message: object) -> None:
        """Writes one INFO line."""
        cls._write(logging.INFO, message)

    @classmethod
    def warning(cls, message: object) -> None:
        """Writes one WARNING line."""
        cls._write(logging.WARNING, message)

    @classmethod
    def error(cls, message: object, exception: BaseException | None = None) -> None:
        """Writes one ERROR line, followed by the traceback of ``exception`` if one is given."""
        cls._write(logging.ERROR, message, exception)

    @classmethod
    @contextmanager
    def instead_of_stdout(cls, handler: logging.Handler) -> Iterator[None]:
        """Sends the training log to ``handler`` where it goes to stdout or stderr, while the context is open."""
        logger = cls._logger()
        handler.setFormatter(_LineFormatter())
        previous = list(logger.handlers)
        # Where one training is within another, what the inner one says gets to the outer one when it is shown.
        others = [each for each in previous if not _is_shown(each) and type(each) is not type(handler)]
        logger.handlers[:] = [handler, *others]
        try:
            yield
        finally:
            logger.handlers[:] = previous

    @classmethod
    def replace_handlers(cls, *handlers: logging.Handler) -> None:
        """Sends the training log to ``handlers`` instead of stdout; each without a formatter gets ours."""
        logger = cls._logger()
        logger.handlers[:] = []
        for handler in handlers:
            if handler.formatter is None:
                handler.setFormatter(_LineFormatter())
            logger.addHandler(handler)
