"""What ``subprocess`` has, for commands that a warm server forks."""

import atexit
import ctypes
import functools
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# What the commands and MLflow's server import, in the order in which they do; the latter looks whether uvicorn is there
# first. One process for all: they have most of it in common.
MODULES = (
    "uvicorn.main",
    "mlflow.cli",
    "tg_mlflow.cli.main",
    "tg_mlflow.backend.project_backend",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.tracking._model_registry.fluent",
    "mlflow.sklearn",
    "sklearn.linear_model",
    "sklearn.metrics",
    "tg_mlflow.places.local",
    "tg_mlflow.places.sagemaker",
    "tg_mlflow.results.figures",
    "tg_mlflow.results.model_files",
    "matplotlib.pyplot",
    "git",
    "pathspec",
    "mlflow.server.fastapi_app",
)
# The interpreter reads these as it starts, so a fork has those of the tests.
FIXED = ("PYTHON", "LC_", "LANG")

PR_SET_CHILD_SUBREAPER = 36

_starting = threading.Lock()


class WarmPopen(subprocess.Popen[Any]):
    """A command in a fork of a process that has imported it: this process's child, as any other.

    Args:
        arguments: A Python script by its path, such as a console script of the environment that runs the tests, and
            its words.
        options: What ``subprocess.Popen`` takes, but for what concerns programs that are not Python.

    Raises:
        ValueError: If the environment differs from this process's in what an interpreter reads as it starts.
    """

    def __init__(self, arguments: Sequence[str], *, start_new_session: bool = False, **options: Any) -> None:
        self._has_session = start_new_session
        super().__init__(arguments, **options)

    def _execute_child(  # type: ignore[override]
        self,
        args: Sequence[str],
        executable: None,
        preexec_fn: None,
        close_fds: bool,
        pass_fds: tuple[int, ...],
        cwd: Path | None,
        env: dict[str, str] | None,
        startupinfo: None,
        creationflags: int,
        shell: bool,
        p2cread: int,
        p2cwrite: int,
        c2pread: int,
        c2pwrite: int,
        errread: int,
        errwrite: int,
        *rest: Any,
    ) -> None:
        request = {
            "arguments": list(args),
            "folder": os.fspath(cwd or os.getcwd()),
            "environment": dict(os.environ if env is None else env),
            "has_session": self._has_session,
        }
        _check_environment(request["environment"])
        streams = [own if given == -1 else given for own, given in enumerate((p2cread, c2pwrite, errwrite))]
        self.pid = _server().start(request, streams)
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if error is not None:
            self.kill()  # a test that has failed waits for nothing
        super().__exit__(kind, error, traceback)


def run(
    arguments: Sequence[str],
    *,
    input: str | None = None,
    timeout: float | None = None,
    check: bool = False,
    **options: Any,
) -> "subprocess.CompletedProcess[str]":
    """Runs a command to its end, as ``subprocess.run`` does, with its output captured as text."""
    if input is not None:
        options["stdin"] = subprocess.PIPE
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    with WarmPopen(arguments, **options) as process:
        try:
            output, errors = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    result = subprocess.CompletedProcess(process.args, process.returncode, output, errors)
    if check:
        result.check_returncode()
    return result


class WarmServer:
    """A process that has imported modules and forks for each command.

    A fork's parent is this process, which can wait for it: it is an orphan as soon as it is there, and this process
    takes in the orphans among its descendants while it starts one. At other times they go where they always go.
    """

    def __init__(self, modules: Sequence[str]) -> None:
        self._connection, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("server.py")), str(other.fileno()), *modules],
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        atexit.register(self.close)

    def start(self, request: dict[str, Any], streams: Sequence[int]) -> int:
        """Starts a command with its three streams, and returns the id of its process.

        Raises:
            RuntimeError: If the server has ended; it says why.
        """
        with _starting:
            _take_in_orphans(True)
            try:
                socket.send_fds(self._connection, [json.dumps(request).encode()], streams)
                answer = self._connection.recv(64)
            finally:
                _take_in_orphans(False)
        if not answer:
            raise RuntimeError(f"the warm server has ended: {self._process.communicate()[1]}")
        return int(answer)

    def close(self) -> None:
        """Ends the server, not what it has started."""
        self._connection.close()
        self._process.communicate()


@functools.cache
def _server() -> WarmServer:
    return WarmServer(MODULES)


def _check_environment(environment: dict[str, str]) -> None:
    for name in sorted({*environment, *os.environ}):
        if name.startswith(FIXED) and name != "PYTHONUNBUFFERED" and environment.get(name) != os.environ.get(name):
            raise ValueError(f"a fork cannot have a value of its own for {name}; start the command with subprocess")


def _take_in_orphans(do: bool) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, int(do), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
