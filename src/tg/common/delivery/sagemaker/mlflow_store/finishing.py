"""Ends what a task has begun with MLflow in the job's own process, as a program's end does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ....logger import Logger


@contextmanager
def finishing_mlflow(spool: Path) -> Iterator[None]:
    """Ends, after the context, the runs that are still active in this thread, and waits for what is logged in the
    background.

    Args:
        spool: The file that is there if anything has been recorded.
    """
    status = "FAILED"
    try:
        yield
        status = "FINISHED"
    finally:
        mlflow: Any = sys.modules.get("mlflow")
        if mlflow is not None and spool.exists():
            try:
                _finish(mlflow, status)
            except Exception as error:  # noqa: BLE001 - of a foreign library; the training itself has ended
                Logger.warning(f"What is recorded with MLflow may be incomplete: {error}")


def _finish(mlflow: Any, status: str) -> None:
    while mlflow.active_run() is not None:
        mlflow.end_run(status)
    if hasattr(mlflow, "flush_async_logging"):  # from MLflow 2.9
        mlflow.flush_async_logging()
    from .artifact_repository import flush_artifacts  # now that MLflow is imported

    flush_artifacts()
