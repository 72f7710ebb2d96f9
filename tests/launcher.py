"""The command ``mlflow run`` in a process group of its own, as in a terminal, and what is left when it has ended."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from mlflow import MlflowClient
from mlflow.entities import Run

from tests import warm
from tests.support import ProjectFolder, all_runs
from tests.warm import WarmPopen

BIN = Path(sys.executable).parent
# From a signal to the end of the command; a graceful stop takes a second, the rest is for a busy machine.
END_SECONDS = 60

Server = TypeVar("Server", bound="ArtifactServer")


class Launcher:
    """Starts ``mlflow run`` with its output and errors in one stream; a context, which kills what is left of it.

    Args:
        project: What is run.
        place: Where, such as ``process``.
        folder: The test's folder; jobs and temporary files go below it.
        words: More words of the command.
    """

    def __init__(self, project: ProjectFolder, place: str, folder: Path, *words: str) -> None:
        self.jobs, self.temporary = folder / "jobs", folder / "temporary"
        self.jobs.mkdir(exist_ok=True)
        self.temporary.mkdir(exist_ok=True)
        variables = {"PYTHONUNBUFFERED": "1", "TG_JOBS_PATH": str(self.jobs), "TMPDIR": str(self.temporary)}
        self.lines: list[str] = []
        self.process = WarmPopen(
            [str(BIN / "mlflow"), "run", str(project.path), "-b", f"tg-{place}", *words],
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> "Launcher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()

    @property
    def output(self) -> str:
        """All that it has said so far."""
        return "".join(self.lines)

    def wait_for(self, text: str) -> str:
        """Reads on to a line with some text in it, and returns the line."""
        for line in self._read():
            if text in line:
                return line
        raise AssertionError(f"{text!r} was not said:\n{self.output}")

    def wait_for_step(self, step: int) -> None:
        """Reads on to the metric of a step."""
        self.wait_for(f"step:{step}###")

    def kill(self) -> None:
        """Kills the launcher and waits until it is gone; its job goes on."""
        self.process.kill()
        self.process.communicate()

    def press_ctrl_c(self) -> None:
        """Does what a terminal does: the whole process group gets SIGINT."""
        os.killpg(self.process.pid, signal.SIGINT)

    def press_ctrl_c_again(self) -> None:
        """Does it a while after the first time; in quick succession, it would count as once."""
        time.sleep(1)
        self.press_ctrl_c()

    def terminate(self) -> None:
        """Does what a service manager does: the launcher gets SIGTERM."""
        self.process.terminate()

    def wait_for_end(self) -> int:
        """Reads all that comes, and returns the exit code.

        Raises:
            AssertionError: If it does not end in time.
        """
        late = threading.Timer(END_SECONDS, self.process.kill)
        late.start()
        try:
            for _ in self._read():
                pass
            code = self.process.wait()
        finally:
            late.cancel()
        assert code != -signal.SIGKILL, f"it has not ended in {END_SECONDS} s:\n{self.output}"
        return code

    def _read(self) -> Iterator[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            yield line


def assert_killed(launcher: Launcher, store: MlflowClient, keeps_job: bool = False) -> Run:
    """Checks that the command has ended as a user expects it, and that nothing is left running or lying about."""
    assert launcher.wait_for_end() == 1, launcher.output
    (run,) = all_runs(store)
    assert run.info.status == "KILLED", launcher.output
    assert run.info.end_time is not None
    assert launcher.output.count(f"=== Run {run.info.run_id} KILLED: it was interrupted ===\n") == 1, launcher.output
    assert "Traceback" not in launcher.output, launcher.output
    assert processes_that_name(launcher.jobs) == []
    assert len(list(launcher.jobs.iterdir())) == keeps_job
    assert list(launcher.temporary.iterdir()) == []
    return run


def wait_until(condition: Callable[[], bool]) -> None:
    """Looks again and again whether something is so that nothing tells of.

    Raises:
        AssertionError: If it is not so in time.
    """
    deadline = time.monotonic() + END_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def processes_that_name(folder: Path) -> list[str]:
    """The command lines of this machine's processes that have a folder's path in them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        if str(folder) in command:
            found.append(command)
    return found


class ArtifactServer:
    """Takes artifacts over HTTP; a context.

    Attributes:
        taken: The last parts of the paths of what it has.
    """

    def __init__(self) -> None:
        self.taken: list[str] = []
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                artifact = self.path.rpartition("/")[2]
                status = store.judge(artifact)
                if status == 200:
                    store.taken.append(artifact)
                try:
                    self.send_response(status)
                    self.end_headers()
                except BrokenPipeError:
                    store.taken.remove(artifact)  # nobody waits for it any more

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def judge(self, artifact: str) -> int:
        """Says with which status an artifact is answered, which has this as the last part of its path."""
        return 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/artifacts"

    def __enter__(self: Server) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class HoldingArtifactStore(ArtifactServer):
    """Holds back the answer for artifacts with some name until it is told otherwise."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.is_asked = threading.Event()
        self.goes_on = threading.Event()
        self._name = name

    def judge(self, artifact: str) -> int:
        if artifact == self._name:
            self.is_asked.set()
            self.goes_on.wait(END_SECONDS)
        return 200

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.goes_on.set()
        super().__exit__(kind, error, traceback)


def record_at(store: MlflowClient, artifacts: ArtifactServer) -> str:
    """Makes an experiment whose artifacts go to a store of their own, and returns its id."""
    return store.create_experiment("held", artifact_location=artifacts.url)


def attach(run_id: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Runs ``tg-mlflow attach`` to its end."""
    return tg_mlflow(folder, "attach", run_id)


def tg_mlflow(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Runs ``tg-mlflow`` to its end, with the jobs that launchers have started with the same folder."""
    return warm.run(
        [str(BIN / "tg-mlflow"), *words], env={**os.environ, "TG_JOBS_PATH": str(folder / "jobs")}, timeout=120
    )
