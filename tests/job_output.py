"""What jobs say of their calls of MLflow, and what records it."""

from collections.abc import Sequence
from typing import Any

from tg.common.delivery.sagemaker.contract.mlflow_lines import format_mlflow_lines
from tg.common.delivery.sagemaker.contract.record_lines import format_content
from tg_mlflow.recording.recorder import RunRecorder
from tg_mlflow.replay.replayer import Replayer
from tg_mlflow.tracking.client import TrackingClient


def open_recorder(client: TrackingClient, run_id: str, written: int = 0) -> RunRecorder:
    """Opens a recorder as launchers do."""
    return RunRecorder(client, run_id, Replayer(client, run_id), written)


def write_lines(records: Sequence[dict[str, Any]], first: int = 1) -> bytes:
    """Writes records as a job does, numbered from ``first`` on."""
    lines = (format_mlflow_lines(number, format_content(each)) for number, each in enumerate(records, first))
    return b"".join(line for each in lines for line in each)
