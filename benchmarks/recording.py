"""How many metric points a second get from a log through an HTTP server into its store; at least 5,000 are wanted.

python benchmarks/recording.py [--points 50000]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.tracking_server import TrackingServer
from tg.common.delivery.sagemaker import LogEvent, format_metric_line
from tg_mlflow.recording.recorder import RunRecorder
from tg_mlflow.replay.replayer import Replayer
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.request_headers import silence_header_warnings

WANTED_POINTS_PER_SECOND = 5000
NAIVE_POINTS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=50_000)
    arguments = parser.parse_args()
    silence_header_warnings()
    with tempfile.TemporaryDirectory() as folder:
        server = TrackingServer(Path(folder))
        server.start()
        try:
            speed, naive = measure(TrackingClient(server.uri), arguments.points)
        finally:
            server.kill()
    print(
        f"{arguments.points:,} points: {speed:,.0f} a second, {WANTED_POINTS_PER_SECOND:,} wanted; "
        f"log_metric: {naive:,.0f} a second"
    )
    if speed < WANTED_POINTS_PER_SECOND:
        sys.exit(1)


def measure(client: TrackingClient, points: int) -> tuple[float, float]:
    """Records a log of one metric, checks that its history is whole, and returns points a second, ours and naive."""
    experiment = client.create_experiment("recording")
    run_id = client.create_run(experiment).info.run_id
    lines = [f"INFO: {format_metric_line('loss', step / 7, step, step + 1)}\n".encode() for step in range(points)]
    events = [LogEvent(b"".join(lines[start : start + 500]), 0) for start in range(0, points, 500)]
    start = time.perf_counter()
    with RunRecorder(client, run_id, Replayer(client, run_id)) as recorder:
        for event in events:
            recorder.take(event)
    seconds = time.perf_counter() - start
    history = client.get_metric_history(run_id, "loss")
    if [(point.step, point.value) for point in history] != [(step, step / 7) for step in range(points)]:
        sys.exit("the history in the store is not what was written")
    start = time.perf_counter()
    for step in range(NAIVE_POINTS):
        client.log_metric(run_id, "naive", step / 7, step=step)
    return points / seconds, NAIVE_POINTS / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
