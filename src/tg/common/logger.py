"""The training log: one line per message on stdout, in a process and in a container alike."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar

from .exception_text import format_trace


class _LineFormatter(logging.Formatter):
    """Formats a record as ``2022-12-20 17:37:25.113050 INFO: text``, local time, microseconds."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created)
        line = f"{moment:%Y-%m-%d %H:%M:%S.%f} {record.levelname}: {record.getMessage()}"
        if record.exc_info and record.exc_info[1] is not None:
            line += "\n" + format_trace(record.exc_info[1]).rstrip("\n")
        # Surrogates, such as from an undecodable file name, could not be written.
        return line.encode("utf-8", "backslashreplace").decode()


class _StdoutHandler(logging.Handler):
    """Writes to the current ``sys.stdout``, so that notebooks and redirections get the line."""

    # A package that is loaded in this process has its own copy of this class for the same logger, and recognizes this
    # one by it.
    writes_to_stdout = True

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(_LineFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        try:
            show(f"{self.format(record)}\n")
        except Exception:  # noqa: BLE001 - as in logging: a message that cannot be written raises nothing
            self.handleError(record)


def show(text: str) -> None:
    """Writes to stdout, if there is one and it is open: a training goes on when its terminal is closed.

    Characters that the terminal cannot show are written as escapes.
    """
    stdout = sys.stdout  # which may have been replaced by something simpler
    if stdout is None or getattr(stdout, "closed", False):
        return
    encoding = getattr(stdout, "encoding", None) or "utf-8"
    try:
        stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stdout.flush()
    except OSError:
        # The buffer would be flushed again, and fail, when the program ends.
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
        # Even if loggers are disabled: a task that configures logging, as `dictConfig` does for all that there is,
        # would lose its metrics.
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
        # If one training runs within another, the inner one's output reaches the outer one when it is shown.
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
