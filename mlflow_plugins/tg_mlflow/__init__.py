"""MLflow project backends that deliver training tasks (host side only)."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tg_mlflow.notebook.task_runs import run_tasks as run_tasks
    from tg_mlflow.notebook.tg_objective import TgObjective as TgObjective

# Imported when they are used: whoever only looks for a backend does not wait for them.
_HOMES = {"TgObjective": "tg_mlflow.notebook.tg_objective", "run_tasks": "tg_mlflow.notebook.task_runs"}

__all__ = ["TgObjective", "run_tasks"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
