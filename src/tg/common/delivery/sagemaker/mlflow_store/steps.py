"""Lets the steps of a workflow, which ``mlflow.run`` starts, run in the job itself.

The job has what the project declares; MLflow would make an environment for each step, with a network and with programs
that a job does not have.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from ..contract.variables import MLFLOW_STORE_VARIABLE

_BACKENDS = "mlflow.projects.backend.loader"
# As MLflow names these where it passes them to a backend.
_MANAGER, _LOCAL = "ENV_MANAGER", "local"


def let_steps_stay(note: Callable[[str], None]) -> None:
    """Makes MLflow's own backend run projects in the environment of the job, from when MLflow knows its backends.

    Args:
        note: Called with what differs from what the training may expect.
    """
    if MLFLOW_STORE_VARIABLE not in os.environ:
        return
    if (loaded := sys.modules.get(_BACKENDS)) is not None:
        _stay(loaded, note)
    else:
        sys.meta_path.insert(0, _Waiting(note))


class _Waiting(importlib.abc.MetaPathFinder):
    """Waits for the import of MLflow's backends: while MLflow is imported itself, it cannot be asked for them."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _BACKENDS:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_stay(module: ModuleType) -> None:
            execute(module)
            _stay(module, self._note)

        spec.loader.exec_module = execute_and_stay  # type: ignore[method-assign]
        return spec


def _stay(module: Any, note: Callable[[str], None]) -> None:
    backends = getattr(module, "MLFLOW_BACKENDS", {})
    if (found := backends.get(_LOCAL)) is None:
        return
    own: Any = found

    class StepBackend(own):  # type: ignore[misc]
        """Runs a project in the environment of the job."""

        def run(self, *arguments: Any, **options: Any) -> Any:
            config = next((each for each in (*arguments, *options.values()) if _MANAGER in _keys_of(each)), None)
            if config is not None and config[_MANAGER] != _LOCAL:
                config[_MANAGER] = _LOCAL
                note("the steps that mlflow.run starts run in the job and its environment, not in one of their own")
            return super().run(*arguments, **options)

    backends[_LOCAL] = StepBackend


def _keys_of(value: Any) -> Any:
    return value if isinstance(value, dict) else ()
