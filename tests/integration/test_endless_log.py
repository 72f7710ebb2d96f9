"""A log that goes on and on, recorded in little memory."""

import json
import subprocess
import sys

from mlflow import MlflowClient

from tests.tracking_server import TrackingServer

LOG_BYTES = 150_000_000

# Lines of 100 bytes, in pieces as a pipe gives them; one of a thousand is a metric.
RECORD = f"""
import json
from pathlib import Path

from mlflow import MlflowClient

from tg.common.delivery.sagemaker import LogEvent
from tg_mlflow.recording.recorder import RunRecorder
from tg_mlflow.replay.replayer import Replayer
from tg_mlflow.tracking.client import TrackingClient


def measure_peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))


client = TrackingClient()
warm_id = client.create_run("1").info.run_id
with RunRecorder(client, warm_id, Replayer(client, warm_id)) as recorder:
    recorder.take(LogEvent(b"###METRIC###warm up:1###\\n", 1))  # imports what is imported on use
client.log_text(client.create_run("1").info.run_id, "warm up", "train.log")
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
before = measure_peak()
run_id = client.create_run("1").info.run_id
piece = 65536
filling = b"x" * 99 + b"\\n"
with RunRecorder(client, run_id, Replayer(client, run_id)) as recorder:
    rest, step = b"", 0
    while recorder.position < {LOG_BYTES}:
        while len(rest) < piece:
            rest += (b"###METRIC###loss:%d###step:%d###" % (step, step)).ljust(99) + b"\\n" + filling * 999
            step += 1
        recorder.take(LogEvent(rest[:piece], 1 + step))
        rest = rest[piece:]
print(json.dumps({{"run_id": run_id, "growth": measure_peak() - before, "bytes": recorder.position}}))
"""


def test_memory_does_not_grow_with_the_log(sqlite_server: TrackingServer) -> None:
    result = subprocess.run([sys.executable, "-c", RECORD], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout.splitlines()[-1])
    assert 0 < told["growth"] < 60_000_000
    client = MlflowClient(sqlite_server.uri)
    points = client.get_metric_history(told["run_id"], "loss")
    assert [(point.step, point.value) for point in points] == [(step, step) for step in range(1501)]
    (log,) = client.list_artifacts(told["run_id"], "logs")
    assert log.file_size == told["bytes"]
