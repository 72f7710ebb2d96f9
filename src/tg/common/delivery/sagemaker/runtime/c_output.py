"""The output of C code, which C's library buffers."""

import ctypes
import logging

_logger = logging.getLogger(__name__)


def flush_c_output() -> None:
    """Flushes the buffers of C's library."""
    try:
        ctypes.CDLL(None).fflush(None)
    except (OSError, AttributeError, TypeError) as error:  # where a program cannot find its own library
        _logger.debug("C's output is written when the process ends: %s", error)
