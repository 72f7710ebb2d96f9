"""Files and modules of a job as its user knows them."""

import re

from tg.common.system.temporary_folder import TEMPORARY_PREFIX

# A package's folder and module have its version, a hash, in their names; a script runs in a copy of its project.
_PACKAGE = rb"[^\W\d]\w*__[0-9a-f]{8}"
_FOLDER = re.compile(
    rb'(?<=File ")[^"\n]*?/(?:%b|%b[^/"\n]*/project)/' % (_PACKAGE, re.escape(TEMPORARY_PREFIX.encode()))
)
_MODULE = re.compile(rb"\b%b\.(?=[^\W\d])" % _PACKAGE)
_OPEN_FRAME = re.compile(rb'[ \t]+(?:F|Fi|Fil|File|File |File "[^"\n]*)?')
# A longer piece of a line is no frame that has not come whole.
_LONGEST_PIECE = 1 << 12


class UserNames:
    """Writes a job's output with the paths and the modules of the project, instead of those that it has in the job."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Returns the output so far; what may be the beginning of a traceback's frame waits for more."""
        data, self._held = self._held + data, b""
        line_start = data.rfind(b"\n") + 1
        piece = data[line_start:]
        if len(piece) < _LONGEST_PIECE and _OPEN_FRAME.fullmatch(piece):
            data, self._held = data[:line_start], piece
        return _MODULE.sub(b"", _FOLDER.sub(b"", data))

    def finish(self) -> bytes:
        """Ends the output, and returns what was held back."""
        data, self._held = self._held, b""
        return data
