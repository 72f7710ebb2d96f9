"""What a user wants to read when a run has ended."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import BEST_NAME_TAG, BEST_RUN_ID_TAG, SYSTEM_PREFIX

# MLflow's pages otherwise open as they were left, and at first among those for agents.
_IN_MODEL_TRAINING = "workflowType=machine_learning"


def describe_run(client: TrackingClient, run_id: str) -> str:
    """Writes a run's status, metrics but those of its machine, id, best training and where to see it, a line each."""
    run = client.get_run(run_id)
    known = {name: value for name, value in run.data.metrics.items() if not name.startswith(SYSTEM_PREFIX)}
    width = max((len(name) for name in known), default=0)
    metrics = [f"  {name:<{width}}  {value:.10g}" for name, value in sorted(known.items())]
    return "\n".join(
        [
            f"Run {run.info.run_name} ({run_id}) {run.info.status}",
            *(metrics or ["  no metrics"]),
            *_describe_best(run.data.tags),
            f"  see it: {_describe_place(client.tracking_uri, run.info.experiment_id, run_id)}",
        ]
    )


def _describe_best(tags: Mapping[str, str]) -> list[str]:
    """Names the best training of a sweep, if the run is one's and there is one."""
    return [f"  the best: {tags[BEST_NAME_TAG]} ({tags[BEST_RUN_ID_TAG]})"] if BEST_RUN_ID_TAG in tags else []


def _describe_place(tracking_uri: str, experiment_id: str, run_id: str) -> str:
    page = f"/#/experiments/{experiment_id}/runs/{run_id}?{_IN_MODEL_TRAINING}"
    if urlsplit(tracking_uri).scheme in ("http", "https"):
        return tracking_uri.rstrip("/") + page
    # Without an activated environment, the mlflow command is not on the path.
    mlflow = "mlflow" if shutil.which("mlflow") else str(Path(sys.executable).with_name("mlflow"))
    return f"{mlflow} ui --backend-store-uri {tracking_uri}, then open http://127.0.0.1:5000{page}"
