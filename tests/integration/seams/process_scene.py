"""A training in a child process, whose launcher talks to a tracking server through a proxy."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlflow import MlflowClient

from tests.integration.seams.faults import Calls, OrderedFault
from tests.integration.seams.mlflow_calls import name_call
from tests.integration.seams.proxy import SeamProxy
from tests.integration.seams.verdict import Remains
from tests.launcher import BIN, processes_that_name
from tests.warm import WarmPopen

# A launcher of these tests ends within some seconds, one that hangs never does.
END_SECONDS = 60
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 12\r\nConnection: close\r\n\r\nout of order"
HASTE = {
    "TG_TRACKING_PATIENCE_SECONDS": "3",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "2",
}


@dataclass(frozen=True)
class TrackedScene:
    """Trains a project at a place of this machine, with faults between the launcher and the tracking server.

    Attributes:
        place: The place, such as ``process``.
        project: The project.
        server: The tracking server's address.
        folder: Where each training gets a folder of its own.
        variables: What launchers find in their environment besides.
    """

    place: str
    project: Path
    server: "tuple[str, int]"
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def train(self, name: str, ordered: OrderedFault | None, calls: Calls) -> Remains:
        """Trains once."""
        folder = self.folder / name
        jobs, temporary = folder / "jobs", folder / "temporary"
        for each in (jobs, temporary):
            each.mkdir(parents=True)
        uri = "http://{}:{}".format(*self.server)
        client = MlflowClient(uri)
        experiment_id = client.create_experiment(name)
        variables = {
            **os.environ,
            **HASTE,
            "TG_JOBS_PATH": str(jobs),
            "TMPDIR": str(temporary),
            "MLFLOW_EXPERIMENT_ID": experiment_id,
            **self.variables,
        }
        with SeamProxy(self.server, name_call, calls, REFUSAL) as proxy:
            words = ["mlflow", "run", str(self.project), "-b", f"tg-{self.place}"]
            code, output = run_command(words, {**variables, "MLFLOW_TRACKING_URI": proxy.address})
        (folder / "output.txt").write_text(output)
        return Remains(
            client,
            experiment_id,
            code,
            output,
            [describe_job(each) for each in jobs.iterdir()],
            lambda *given: run_command(
                ["tg-mlflow", *given],
                {**variables, "MLFLOW_TRACKING_URI": uri, "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"},
            ),
            folder,
        )


def run_command(words: Sequence[str], variables: dict[str, str]) -> "tuple[int | None, str]":
    """Runs a command to its end; one that does not come to it is killed, without an exit code."""
    process = WarmPopen(
        [str(BIN / words[0]), *words[1:]],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return None, process.communicate()[0]
    return process.returncode, output


def describe_job(folder: Path) -> str:
    """Says what a job of this machine is doing."""
    if any(str(folder) in each for each in processes_that_name(folder)):
        return "going on"
    return "completed" if (folder / "ml" / "model" / "completed.json").exists() else "stopped"
