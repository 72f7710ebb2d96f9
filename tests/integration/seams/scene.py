"""A command that launches a training, with a fault between it and something else."""

import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from mlflow import MlflowClient

from tests.integration.seams.faults import Calls
from tests.integration.seams.haste import PATIENCE_SECONDS, TIMEOUT_SECONDS, write_commands
from tests.integration.seams.snapshot import Snapshot
from tests.integration.seams.verdict import Remains, Verdict, judge
from tests.launcher import processes_that_name
from tests.warm import WarmPopen

# A launcher of these tests ends within some seconds, one that hangs never does.
END_SECONDS = 150
HASTE = {
    "TG_TRACKING_PATIENCE_SECONDS": str(PATIENCE_SECONDS),
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": str(TIMEOUT_SECONDS),
    "AWS_MAX_ATTEMPTS": "2",
}


class Scene(ABC):
    """Launches a project at a place, each time with a folder of its own for jobs and temporary files.

    Args:
        place: The place, such as ``process``.
        project: The project.
        folder: Where the folders are made.
    """

    # Whether jobs stay where they have run when their runs are complete.
    keeps_jobs = False

    def __init__(self, place: str, project: Path, folder: Path) -> None:
        self._place, self._project, self._folder = place, project, folder
        write_commands(folder)

    @abstractmethod
    def open_store(self, folder: Path) -> str:
        """Returns the address of the store that takes the run of a launcher with this folder."""

    @abstractmethod
    def open_seam(self, folder: Path, calls: Calls) -> AbstractContextManager[dict[str, str]]:
        """Opens what the calls of a launcher pass through, and yields the variables that lead it there."""

    def find_way(self) -> dict[str, str]:
        """Returns the variables that lead past every fault."""
        return {}

    def find_project(self, folder: Path) -> Path:
        """Returns what a launcher with this folder launches."""
        return self._project

    def find_words(self, folder: Path) -> list[str]:
        """Returns more words of the command of a launcher with this folder."""
        return []

    def prepare(self, folder: Path, words: Sequence[str], variables: dict[str, str]) -> Sequence[str]:
        """Does what is done before any fault; returns the command that meets it, by default the one that trains."""
        return words

    def note_job(self, folder: Path, job_id: str) -> None:
        """Notes a job of a launcher with this folder that was started before any fault."""
        return None

    def has_begun(self, folder: Path, job_id: str) -> bool:
        """Returns whether a job of a launcher with this folder has said all that it says before its end."""
        log = folder / "jobs" / job_id / "train.log"
        return log.exists() and b"step:4" in log.read_bytes()

    def judge(self, remains: Remains, whole: Snapshot) -> Verdict:
        """Judges what a launcher has left."""
        return judge(remains, whole)

    def list_jobs(self, folder: Path) -> list[str]:
        """Describes the jobs of a launcher with this folder: ``going on``, ``completed`` or ``stopped``."""
        return [describe_job(each) for each in (folder / "jobs").iterdir()]

    def train(self, name: str, calls: Calls) -> Remains:
        """Trains once.

        Args:
            name: That of no other training.
            calls: Takes the launcher's calls.
        """
        folder = self._folder / name
        for each in (folder / "jobs", folder / "temporary"):
            each.mkdir(parents=True)
        uri = self.open_store(folder)
        client = MlflowClient(uri)
        experiment_id = client.create_experiment(name, None if "://127" in uri else (folder / "artifacts").as_uri())
        variables = {
            **os.environ,
            **HASTE,
            "TG_JOBS_PATH": str(folder / "jobs"),
            "TMPDIR": str(folder / "temporary"),
            "MLFLOW_TRACKING_URI": uri,
            "MLFLOW_EXPERIMENT_ID": experiment_id,
            **self.find_way(),
        }
        words = ["mlflow", "run", str(self.find_project(folder)), "-b", f"tg-{self._place}", *self.find_words(folder)]
        words = self.prepare(folder, words, variables)
        with self.open_seam(folder, calls) as detour:
            code, output = self.run(words, {**variables, **detour})
        # Who has given the command knows it: `attach` need not say that it can be given again.
        output = f"$ {' '.join(words)}\n{output}"
        return Remains(
            client,
            experiment_id,
            code,
            output,
            self.list_jobs(folder),
            self.keeps_jobs,
            lambda *given: self.run(["tg-mlflow", *given], {**variables, "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}),
            folder,
        )

    def run(self, words: Sequence[str], variables: dict[str, str]) -> "tuple[int | None, str]":
        """Runs a command to its end; one that does not come to it is killed, without an exit code."""
        process = WarmPopen(
            [str(self._folder / words[0]), *words[1:]],
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


class StoredScene(Scene):
    """Records in a store of its own for each launcher, which no fault meets.

    Args:
        place: The place.
        project: The project.
        folder: Where folders are made.
        store: An empty store in sqlite, which is copied.
    """

    def __init__(self, place: str, project: Path, folder: Path, store: Path) -> None:
        super().__init__(place, project, folder)
        self._store = store

    def open_store(self, folder: Path) -> str:
        shutil.copy(self._store, folder / "mlflow.db")
        return f"sqlite:///{folder / 'mlflow.db'}"


def describe_job(folder: Path) -> str:
    """Says what a job of this machine is doing."""
    if processes_that_name(folder):
        return "going on"
    return "completed" if (folder / "ml" / "model" / "completed.json").exists() else "stopped"
