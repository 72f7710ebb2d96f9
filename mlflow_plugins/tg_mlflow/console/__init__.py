"""What a user's console shows: of a training what it says, without the job's own lines, and how far it is; colours.

The log in the run has all. Nothing of MLflow enters here.
"""

from tg_mlflow.console.colours import colour_outcomes, colour_states
from tg_mlflow.console.console import Console, showing, showing_progress
from tg_mlflow.console.progress_line import ProgressLine
from tg_mlflow.console.verbosity import Verbosity, read_verbosity, say_start

__all__ = [
    "Console",
    "ProgressLine",
    "Verbosity",
    "colour_outcomes",
    "colour_states",
    "read_verbosity",
    "say_start",
    "showing",
    "showing_progress",
]
