"""A real MLflow server in a process of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.warm import WarmPopen

BIN = Path(sys.executable).parent
START_SECONDS = 60


class TrackingServer:
    """Serves a store over HTTP on a free port of this machine; can be killed and started again.

    Args:
        folder: Where the artifacts are.
        store_uri: The store; by default one in sqlite in the folder.
        is_warm: Whether a fork serves MLflow's application, in a fifth of a second, instead of the command
            ``mlflow server``, in five.

    Attributes:
        artifacts: The folder of all artifacts, which is made when the first one comes.
    """

    def __init__(self, folder: Path, store_uri: str | None = None, is_warm: bool = True) -> None:
        self.artifacts = folder / "server-artifacts"
        self._store_uri = store_uri or f"sqlite:///{folder / 'server.db'}"
        self._is_warm = is_warm
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        self._process = self._start_warm() if self._is_warm else self._start_command()
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, "the tracking server does not answer"
            assert self._process.poll() is None, "the tracking server has ended"
            time.sleep(0.02)

    def kill(self) -> None:
        """Kills the server with all its processes."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _start_command(self) -> "subprocess.Popen[bytes]":
        # It would start half a dozen processes more for jobs of its own.
        variables = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        variables.pop("MLFLOW_TRACKING_URI", None)
        return subprocess.Popen(
            [
                str(BIN / "mlflow"),
                "server",
                f"--backend-store-uri={self._store_uri}",
                f"--artifacts-destination={self.artifacts}",
                "--host=127.0.0.1",
                f"--port={self._port}",
                "--workers=1",
            ],
            env=variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _start_warm(self) -> WarmPopen:
        # What the command tells the application.
        variables = {
            **os.environ,
            "_MLFLOW_SERVER_FILE_STORE": self._store_uri,
            "_MLFLOW_SERVER_REGISTRY_STORE": self._store_uri,
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(self.artifacts),
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "_MLFLOW_SGI_NAME": "uvicorn",
            "MLFLOW_ENABLE_WORKSPACES": "false",
        }
        variables.pop("MLFLOW_TRACKING_URI", None)
        return WarmPopen(
            [str(BIN / "uvicorn"), "--host=127.0.0.1", f"--port={self._port}", "mlflow.server.fastapi_app:app"],
            env=variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
