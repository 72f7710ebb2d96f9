"""What a user's console shows of a training while it runs: what the training says, without the job's own lines.

The log in the run has all. Nothing of MLflow enters here.
"""

from tg_mlflow.console.console import Console, showing
from tg_mlflow.console.verbosity import Verbosity, read_verbosity

__all__ = ["Console", "Verbosity", "read_verbosity", "showing"]
