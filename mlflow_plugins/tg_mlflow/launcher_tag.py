"""Which process launches the trainings of a run, so that no second one does at the same time."""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from tg.common.delivery.delivery import uninterrupted
from tg.common.delivery.sagemaker.process_supervisor import describe_process, is_alive
from tg_mlflow.run_tags import LAUNCHER_TAG, SWEEP_NAME_TAG


@contextmanager
def launching(client: MlflowClient, run_id: str) -> Iterator[None]:
    """Notes in a run that this process launches its trainings while the context is open, and where it did after that.

    Raises:
        MlflowException: If the tracking server does not take it at the beginning.
    """
    host = socket.gethostname()
    client.set_tag(run_id, LAUNCHER_TAG, json.dumps({"host": host, **describe_process(os.getpid())}))
    try:
        yield
    finally:
        # Else it is seen when the process has ended.
        with suppress(MlflowException, OSError), uninterrupted():
            client.set_tag(run_id, LAUNCHER_TAG, json.dumps({"host": host}))


def find_other_launcher(tags: Mapping[str, str]) -> int | None:
    """Finds the process that launches a run's trainings now.

    Returns:
        Its id; ``None`` if it has ended, runs on another machine, where it cannot be seen, or is this one.
    """
    launcher = json.loads(tags.get(LAUNCHER_TAG, "null"))
    if launcher is None or "pid" not in launcher or not is_this_host(tags):
        return None
    pid = int(launcher["pid"])
    return pid if pid != os.getpid() and is_alive(launcher) else None


def find_sweep_launcher(client: MlflowClient, run: Run) -> int | None:
    """Finds the process that launches the trainings of a sweep now, by the run of one of them; ``None`` as above."""
    parent_id = run.data.tags.get(MLFLOW_PARENT_RUN_ID)
    if parent_id is None or SWEEP_NAME_TAG not in run.data.tags:
        return None
    try:
        return find_other_launcher(client.get_run(parent_id).data.tags)
    except MlflowException:
        return None  # it has been deleted


def is_this_host(tags: Mapping[str, str]) -> bool:
    """Whether a run's last launcher ran on this machine."""
    launcher = json.loads(tags.get(LAUNCHER_TAG, "null"))
    return launcher is not None and launcher["host"] == socket.gethostname()
