"""A registry of images on this machine that wants a user and a token, as ECR does."""

import base64
import itertools
import json
import secrets
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any

import bcrypt

from tests.registry_layers import bring_layers, keep_layers

_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)


class RegistryMissingError(Exception):
    """The program ``docker-registry`` is not installed."""


class Registry:
    """Debian's ``docker-registry`` on a free port, with its images in a folder.

    Attributes:
        lines: What it has said since it was started: its access log above all.
    """

    user = "AWS"

    def __init__(self, folder: Path) -> None:
        program = shutil.which("docker-registry")
        if program is None:
            raise RegistryMissingError("there is no program docker-registry; install Debian's package of that name")
        self.token = secrets.token_urlsafe(48)
        self.address = f"127.0.0.1:{_find_free_port()}"
        hashed = bcrypt.hashpw(self.token.encode(), bcrypt.gensalt(rounds=4)).decode()
        (folder / "htpasswd").write_text(f"{self.user}:{hashed}\n")
        self._images = folder / "images"
        self._folders = itertools.count(1)
        config = {
            "version": "0.1",
            "storage": {"filesystem": {"rootdirectory": str(self._images)}, "delete": {"enabled": True}},
            "http": {"addr": self.address},
            "auth": {"htpasswd": {"realm": "emulator", "path": str(folder / "htpasswd")}},
        }
        (folder / "registry.yml").write_text(json.dumps(config))  # JSON is YAML
        self._command = [program, "serve", str(folder / "registry.yml")]
        self.lines: list[str] = []

    @property
    def login(self) -> dict[str, str]:
        """What a Docker client gives to pull or push."""
        return {"username": self.user, "password": self.token}

    def name_folder(self) -> str:
        """Names a folder of repositories that nobody else has: the same ones each time, for the kept layers."""
        return f"{next(self._folders)}/"

    def start(self) -> None:
        bring_layers(self._images)
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert self._process.stdout is not None
        lines = []
        for line in self._process.stdout:
            lines.append(line)
            if b"listening on" in line:
                break
        else:
            raise AssertionError(b"".join(lines).decode())
        # Its pipe must be emptied, or it stops when the pipe is full.
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            self.lines.append(line.decode(errors="replace"))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        keep_layers(self._images)

    def list_tags(self, name: str) -> list[str]:
        """The tags of a repository; none if nothing was ever pushed."""
        answer = self._get(f"{name}/tags/list")
        return [] if answer is None else json.loads(answer[0]).get("tags") or []

    def find_manifest(self, name: str, reference: str) -> tuple[str, str, str] | None:
        """Finds what a tag or a digest stands for.

        Returns:
            The manifest as text, its digest and its media type; ``None`` if there is none.
        """
        answer = self._get(f"{name}/manifests/{reference}")
        if answer is None:
            return None
        text, headers = answer
        return text, headers["Docker-Content-Digest"], headers["Content-Type"]

    def _get(self, path: str) -> tuple[str, Any] | None:
        login = base64.b64encode(f"{self.user}:{self.token}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Accept": ", ".join(_MANIFESTS)}
        request = urllib.request.Request(f"http://{self.address}/v2/{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return None


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
