"""One job, and the commands that take care of its run one after the other and are killed at random moments."""

import os
import random
import subprocess
import time
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from tests.launcher import BIN
from tests.processes import wait_for
from tests.support import ProjectFolder, all_runs
from tests.tracking_server import TrackingServer
from tests.warm import WarmPopen

WAIT_SECONDS = 120
# A command imports for longer than this.
IMPORT_SECONDS = 1.5


class KillScene:
    """Launches a project in a child process until there is a job, and attaches to its run from then on.

    Args:
        project: What is launched.
        server: Where the run is.
        folder: The test's folder, with the jobs below.
        moments: Chooses the moments.

    Attributes:
        run: The run that has a job; ``None`` before.
        job: The job's folder; ``None`` before.
        kills: What was killed when, for people.
    """

    def __init__(self, project: ProjectFolder, server: TrackingServer, folder: Path, moments: random.Random) -> None:
        self.run: Run | None = None
        self.job: Path | None = None
        self.kills: list[str] = []
        self._project, self._server, self._moments = project, server, moments
        self._client = MlflowClient(server.uri)
        self._jobs, self._screen = folder / "jobs", folder / "screen"
        # SIGKILL leaves temporary files behind.
        self._variables = {**os.environ, "TMPDIR": str(folder)}
        self._start("tg-mlflow", "attach", "0" * 32, start=WarmPopen).wait()  # it may be what starts the warm process
        self._warm_start_seconds = self._time_start()

    @property
    def is_job_over(self) -> bool:
        return self.job is not None and (self.job / "exit.json").exists()

    def kill(self, stage: str) -> None:
        """Starts the next command and kills it at a moment of a stage.

        Args:
            stage: ``import`` is while it imports, as only a real command does; ``start`` is from its first moment until
                there may be a job; ``training`` follows the first metric that it has shown; ``end`` is about the time
                when it learns that the job is over; ``upload`` follows the first artifact that is kept.
        """
        task = self._task_time()
        if stage == "end":  # anew: on a machine that is less busy than before, it would have ended long ago
            self._warm_start_seconds = self._time_start()
        started = time.monotonic()
        process = self._start_next(subprocess.Popen if stage == "import" else WarmPopen)
        try:
            if stage == "import":
                pause = self._moments.uniform(0.1, IMPORT_SECONDS)
            elif stage == "start":
                # It has reached the server, and makes a package and a job, which takes longer.
                pause = self._moments.uniform(0.2, 1) * 9 * self._warm_start_seconds
            elif stage == "end":
                pause = self._moments.uniform(0.7, 1.1) * self._warm_start_seconds
            else:
                shows = self._shows_a_metric if stage == "training" else bool
                wait_for(lambda: process.poll() is not None or self._task_time() != task or shows(), WAIT_SECONDS)
                pause = self._moments.uniform(0, 1 if stage == "training" else 0.15)
            time.sleep(pause)
            assert process.poll() is None, f"it had ended before it was killed:\n{self._screen.read_text()[-3000:]}"
        finally:
            process.kill()
            process.wait()
        seconds = time.monotonic() - started
        self._look_for_a_job()
        state = "over" if self.is_job_over else "running" if self.job else "not there"
        self.kills.append(f"{stage}: after {seconds:.2f} s, the job is {state}")

    def wait_for_the_job(self) -> None:
        """Waits for the end of the job, which one of the launchers must have started."""
        assert self.job is not None, self.kills
        wait_for(lambda: self.is_job_over, WAIT_SECONDS)

    def _time_start(self) -> float:
        started = time.monotonic()
        self._start("tg-mlflow", "attach", "0" * 32, start=WarmPopen).wait()
        return time.monotonic() - started

    def _start_next(self, start: "type[subprocess.Popen[bytes]]") -> "subprocess.Popen[bytes]":
        if self.run is not None:
            return self._start("tg-mlflow", "attach", self.run.info.run_id, start=start)
        return self._start("mlflow", "run", str(self._project.path), "-b", "tg-process", start=start)

    def _start(self, program: str, *words: str, start: "type[subprocess.Popen[bytes]]") -> "subprocess.Popen[bytes]":
        with self._screen.open("wb") as screen:
            return start([str(BIN / program), *words], env=self._variables, stdout=screen, stderr=subprocess.STDOUT)

    def _look_for_a_job(self) -> None:
        if self.job is not None:
            return
        # A launcher that is gone may have started the process that starts the job.
        folders = list(self._jobs.iterdir()) if self._jobs.exists() else []
        deadline = time.monotonic() + 3 * bool(folders)
        while time.monotonic() < deadline and self.job is None:
            self.job = next((each for each in folders if (each / "process.json").exists()), None)
        if self.job is not None:
            self.run = next(run for run in all_runs(self._client) if run.data.tags.get("tg.job_id") == self.job.name)

    def _shows_a_metric(self) -> bool:
        return b"###METRIC###" in self._screen.read_bytes()

    def _task_time(self) -> list[int]:
        return [path.stat().st_mtime_ns for path in self._server.artifacts.glob("*/*/artifacts/task.json")]
