"""What C code prints: its library keeps it back until there is more, or the process ends."""

import ctypes
import logging

_logger = logging.getLogger(__name__)


def flush_c_output() -> None:
    """Has C's library write what it keeps back."""
    try:
        ctypes.CDLL(None).fflush(None)
    except (OSError, AttributeError, TypeError) as error:  # where a program cannot find its own library
        _logger.debug("C's output is written when the process ends: %s", error)
