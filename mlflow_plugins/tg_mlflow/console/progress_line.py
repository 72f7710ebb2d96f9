"""A line at the bottom of a terminal that says how far something is; elsewhere there is none."""

import shutil
import threading
from typing import TextIO

_BAR_WIDTH = 20
_CLEAR = "\r\x1b[K"


class ProgressLine:
    """Shows how far something is, and takes it away where something else is to be written.

    What others write to the terminal meanwhile, such as warnings, goes over it.

    Args:
        stream: The terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text = ""
        self._lock = threading.Lock()

    def show(self, done: int, of: int, text: str) -> None:
        """Shows a bar and a text in place of those before."""
        filled = _BAR_WIDTH * done // of
        width = shutil.get_terminal_size().columns
        shown = "".join(each for each in text if each.isprintable())
        self._text = f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}] {shown}"[: width - 1]
        self._write(_CLEAR + self._text + "\r")

    def clear(self) -> None:
        """Takes the line away, so that something else can be written; :meth:`redraw` brings it back."""
        if self._text:
            self._write(_CLEAR)

    def redraw(self) -> None:
        """Shows the line again."""
        if self._text:
            self._write(self._text + "\r")

    def close(self) -> None:
        """Takes the line away for good."""
        self.clear()
        self._text = ""

    def _write(self, text: str) -> None:
        with self._lock:
            self._stream.write(text)
            self._stream.flush()
