"""Lines that a job logs about itself: they belong to the log, and tell the user of a console nothing."""

import re

WELCOME = "Welcome to Training Grounds!"
LOADING = "Loading job"
LOADED = "Job of type {} is loaded"
HAS_RUN = "Job has `run` attribute"
IS_TRAINING = "This is Sagemaker Job performing a training task"
PREPARING_PROPERTIES = "Preparing package properties..."
PREPARING_PACKAGE = "Preparing package file..."
PROCESSING_HYPERPARAMETERS = "Processing hyperparameters..."
NO_HYPERPARAMETERS = "No hyperparameters are provided"
INITIALIZED = "Model initialized. Jsonpickling..."
STARTING = "Starting training now..."
SAVED = "Saved artifact {}"
SAVED_CHECKPOINT = "Saved the checkpoint of step {}"
SUCCEEDED = "Job has exited successfully"
DONE = "DONE. Exiting Training Grounds."

_MESSAGES = (
    WELCOME,
    LOADING,
    LOADED,
    HAS_RUN,
    IS_TRAINING,
    PREPARING_PROPERTIES,
    PREPARING_PACKAGE,
    PROCESSING_HYPERPARAMETERS,
    NO_HYPERPARAMETERS,
    INITIALIZED,
    STARTING,
    SAVED,
    SAVED_CHECKPOINT,
    SUCCEEDED,
    DONE,
)
# The package's properties are logged as they are.
_PROPERTIES = r'\{"name": .*"tg_import_path": .*\}'
# As the formatter of `tg.common.logger` begins each line.
_STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} INFO: "
_TEXTS = "|".join([*(re.escape(each).replace(r"\{\}", ".*") for each in _MESSAGES), _PROPERTIES])
_LINE = re.compile(f"^{_STAMP}(?:{_TEXTS})\r?\n".encode(), re.MULTILINE)
_BEGINNING = re.compile(rb"\d{1,4}\Z|\d{4}-")
# A longer piece of a line is no message of ours that has not come whole.
_LONGEST_PIECE = 1 << 16


class OwnLines:
    """Takes a job's lines about itself out of its log, in pieces of any size."""

    def __init__(self) -> None:
        self._held = b""
        self._is_in_line = False

    def feed(self, data: bytes) -> bytes:
        """Returns what is left so far; what may be the beginning of such a line waits for more."""
        data, self._held = self._held + data, b""
        rest = b""
        if self._is_in_line:  # what is begun was returned, so it is none of these lines
            rest, newline, data = data.partition(b"\n")
            rest += newline
            self._is_in_line = not newline
        data = _LINE.sub(b"", data)
        line_start = data.rfind(b"\n") + 1
        piece = data[line_start:]
        if len(piece) < _LONGEST_PIECE and _BEGINNING.match(piece):
            data, self._held = data[:line_start], piece
        elif piece:
            self._is_in_line = True
        return rest + data

    def finish(self) -> bytes:
        """Ends the log, and returns what was held back."""
        data, self._held = self._held, b""
        return data
