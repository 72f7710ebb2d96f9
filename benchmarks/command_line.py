"""How soon the command ``tg-mlflow`` answers: its help, and the status of a run, with a server and with sqlite.

Beside it, in the same run: Python without anything, and with MLflow, which every command that asks a store imports.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mlflow import MlflowClient

from harness import Figure, Scale, measure_in_turns, run, time_command
from tests.tracking_server import TrackingServer
from tg_mlflow.backend.request_headers import silence_header_warnings
from tg_mlflow.tracking.tags import VERSION_TAG

BIN = Path(sys.executable).parent
COMMAND = BIN / "tg-mlflow"


def make_run(uri: str) -> str:
    """Makes a run of ours that has ended, and returns its id."""
    store = MlflowClient(uri)
    run_id = str(store.create_run(store.create_experiment("ended"), tags={VERSION_TAG: "0.1.0"}).info.run_id)
    store.set_terminated(run_id)
    return run_id


def check(words: list[str | Path], variables: dict[str, str], wanted: str) -> None:
    """Ends the benchmark if a command does not say what is wanted."""
    said = subprocess.run([str(word) for word in words], env=variables, capture_output=True, text=True).stdout
    if wanted not in said:
        sys.exit(f"{words} has not said {wanted!r}, but {said!r}")


def measure(scale: Scale) -> Iterator[Figure]:
    silence_header_warnings()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server, sqlite = TrackingServer(folder), f"sqlite:///{folder}/own.db"
        server.start()
        try:
            yield from _measure(scale, server.uri, sqlite)
        finally:
            server.kill()


def _measure(scale: Scale, server: str, sqlite: str) -> Iterator[Figure]:
    plain = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    stores = {"server": {**plain, "MLFLOW_TRACKING_URI": server}, "sqlite": {**plain, "MLFLOW_TRACKING_URI": sqlite}}
    status: dict[str, list[str | Path]] = {
        "server": [COMMAND, "status", make_run(server)],
        "sqlite": [COMMAND, "status", make_run(sqlite)],
    }
    check([COMMAND, "--help"], plain, "reproduce")
    for name, command in status.items():
        check(command, stores[name], "FINISHED")

    short = measure_in_turns(
        scale.pick(15, 5),
        help=lambda: time_command([COMMAND, "--help"], plain),
        python=lambda: time_command([sys.executable, "-c", "pass"], plain),
    )
    details = f"median of {len(short['help'])}; python -c pass: {statistics.median(short['python']):.2f} s"
    yield Figure(
        "command.help", "`tg-mlflow --help`", statistics.median(short["help"]), "s", wanted=0.3, details=details
    )
    yield Figure.ratio("command.help_ratio", "the same", "`python -c pass`", short["help"], short["python"], None)

    long = measure_in_turns(
        scale.pick(7, 1),
        mlflow=lambda: time_command([sys.executable, "-c", "import mlflow"], plain),
        server=lambda: time_command(status["server"], stores["server"]),
        sqlite=lambda: time_command(status["sqlite"], stores["sqlite"]),
    )
    what, against = "`tg-mlflow status RUN`", '`python -c "import mlflow"`'
    yield Figure.ratio(
        "command.status_server", f"{what} with a server", against, long["server"], long["mlflow"], wanted=1.3
    )
    # MLflow's store of a database imports SQLAlchemy, Alembic and all of its tables.
    yield Figure.ratio(
        "command.status_sqlite", f"{what} with sqlite", against, long["sqlite"], long["mlflow"], wanted=None
    )


if __name__ == "__main__":
    run(measure, __doc__ or "")
