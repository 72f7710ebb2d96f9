"""How fast metric points get from a job's log through an HTTP server into its store.

The limit is MLflow's client alone, which is given the same points, 1,000 a request. Each measurement has a server of
its own with an empty store, and its points are read back before the next one begins.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric

from harness import Figure, Scale, measure_in_turns, run
from tests.tracking_server import TrackingServer
from tg.common.delivery.sagemaker import LogEvent, format_metric_line
from tg_mlflow.backend.request_headers import silence_header_warnings
from tg_mlflow.recording.recorder import RunRecorder
from tg_mlflow.replay.replayer import Replayer
from tg_mlflow.tracking.client import TrackingClient

BATCH = 1000
LINES_OF_EVENT = 500


def measure(scale: Scale) -> Iterator[Figure]:
    silence_header_warnings()
    points = scale.pick(100_000, 10_000)
    lines = [f"INFO: {format_metric_line('loss', step / 7, step, step + 1)}\n".encode() for step in range(points)]
    events = [LogEvent(b"".join(lines[at : at + LINES_OF_EVENT]), 0) for at in range(0, points, LINES_OF_EVENT)]
    metrics = [Metric("loss", step / 7, step + 1, step) for step in range(points)]

    def record(uri: str, run_id: str) -> None:
        client = TrackingClient(uri)
        with RunRecorder(client, run_id, Replayer(client, run_id)) as recorder:
            for event in events:
                recorder.take(event)

    def log_batches(uri: str, run_id: str) -> None:
        client = MlflowClient(uri)
        for start in range(0, points, BATCH):
            client.log_batch(run_id, metrics[start : start + BATCH])

    speeds = measure_in_turns(
        scale.pick(3, 2),
        ours=lambda: measure_speed(record, points),
        alone=lambda: measure_speed(log_batches, points),
    )
    yield Figure.ratio(
        "recording.limit",
        f"{points:,} points from the log into the store",
        "`log_batch` of 1,000 alone, the limit",
        speeds["ours"],
        speeds["alone"],
        0.9,
        more_is_better=True,
        unit="points/s",
    )
    yield Figure(
        "recording.speed",
        "their speed",
        statistics.median(speeds["ours"]),
        "points/s",
        wanted=5000,
        more_is_better=True,
        details=f"median of {len(speeds['ours'])}",
    )


def measure_speed(log: Callable[[str, str], None], points: int) -> float:
    """Returns how many points a second ``log`` writes to a new run of a new server; checks that all are there."""
    with tempfile.TemporaryDirectory() as folder:
        server = TrackingServer(Path(folder))
        server.start()
        try:
            client = MlflowClient(server.uri)
            run_id = client.create_run(client.create_experiment("recording")).info.run_id
            start = time.perf_counter()
            log(server.uri, run_id)
            seconds = time.perf_counter() - start
            history = client.get_metric_history(run_id, "loss")
        finally:
            server.kill()
    if [(each.step, each.value, each.timestamp) for each in history] != [(n, n / 7, n + 1) for n in range(points)]:
        sys.exit("the history in the store is not what was written")
    return points / seconds


if __name__ == "__main__":
    run(measure, __doc__ or "")
