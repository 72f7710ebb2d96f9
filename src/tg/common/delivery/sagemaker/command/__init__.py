"""A command as a training: a script, or any program, that runs in a copy of its project as it is.

It runs in a job. What the launcher makes of an MLproject's command is the host's matter; nothing of MLflow enters.
"""

from typing import TYPE_CHECKING

from ....lazy_names import lazy_names

_HOMES = {
    "CommandTask": ".command_task",
    "PROJECT_FOLDER": ".command_task",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from .command_task import PROJECT_FOLDER as PROJECT_FOLDER
    from .command_task import CommandTask as CommandTask
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
