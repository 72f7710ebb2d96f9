"""Servers and files that the tests with Docker need."""

import ast
import base64
import gzip
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.registry_layers import bring_layers, keep_layers
from tg.common.delivery.delivery.image.docker_client import DockerClient
from tg.common.delivery.delivery.image.image import Image
from tg.common.delivery.delivery.image.image_options import ImageBuildOptions
from tg.common.delivery.delivery.package.package import Package

SCRIPT_ENTRYPOINT = 'ENTRYPOINT ["python3", "-u", "-c", "import os; exec(os.environ[\'SCRIPT\'])"]'

# They stand for the programs that a real package has.
RELAY = "def start_relay():\n    pass\n"
ENTRY_POINT = """
import sys

def prepare_process():
    pass


def main():
    print("package", __name__.partition(".")[0], "text", {text!r}, "arguments", sys.argv[1:])
"""


def read_build_options() -> ImageBuildOptions:
    """What a build needs on this machine to reach a package index, as pip here is told."""
    answer = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    lines = (line.partition("=") for line in answer.stdout.splitlines())
    pip = {name: ast.literal_eval(value) for name, _, value in lines}
    certificates = pip.get(":env:.cert") or pip.get("global.cert")
    extra = (pip.get("global.extra-index-url") or "").split()
    proxies = {name: os.environ.get(f"{name}_proxy") for name in ("http", "https", "no")}
    return ImageBuildOptions(
        pip_index_url=pip.get(":env:.index-url") or pip.get("global.index-url"),
        pip_extra_index_urls=tuple(url for url in extra if url.startswith("http")),
        proxies={name: value for name, value in proxies.items() if value},
        ca_bundle=Path(certificates) if certificates and Path(certificates).is_file() else None,
    )


def make_package(folder: Path, text: str = "one") -> Package:
    """A package whose entry point prints what it was started as."""
    module = "Demo-0/Demo__0"
    files = {f"{module}/__init__.py": ""}
    for depth in range(1, 5):
        files["/".join([module, *["tg", "common", "delivery", "sagemaker"][:depth], "__init__.py"])] = ""
    files[f"{module}/tg/common/delivery/sagemaker/runtime/relay.py"] = RELAY
    files[f"{module}/tg/common/delivery/sagemaker/runtime/entry_point.py"] = ENTRY_POINT.format(text=text)
    path = folder / "Demo-0.tar.gz"
    path.write_bytes(gzip.compress(make_tar({name: content.encode() for name, content in files.items()}), mtime=0))
    return Package(path, "Demo", "0", "Demo__0", hashlib.sha256(path.read_bytes()).hexdigest())


def run_once(client: DockerClient, image: str, command: list[str] | None = None, **config: Any) -> str:
    """Runs a container to its end, removes it, and returns what it has written."""
    container = client.create_container_from_config({"Image": image, "Cmd": command, **config})["Id"]
    try:
        client.start(container)
        client.wait(container)
        return client.logs(container, stdout=True, stderr=True).decode()
    finally:
        client.remove_container(container, force=True, v=True)


def load_tiny_image(client: DockerClient, reference: str, platform: str) -> Image:
    """Gives the daemon an image with one small file of its own, made for some platform."""
    layer = make_tar({"file": reference.encode()})
    system, _, architecture = platform.partition("/")
    config = json.dumps(
        {
            "os": system,
            "architecture": architecture,
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        }
    ).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [reference], "Layers": ["layer.tar"]}]).encode()
    list(client.load_image(make_tar({"config.json": config, "layer.tar": layer, "manifest.json": manifest})))
    return Image(reference, client.inspect_image(reference)["Id"])


def make_tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def all_that_images_tell(client: DockerClient, label: str) -> bytes:
    """The history, the configuration and the files of every image with a label, those without a name too."""
    told = b""
    for image in client.images(all=True, filters={"label": label}):
        told += json.dumps([client.history(image["Id"]), client.inspect_image(image["Id"])]).encode()
    return told


def files_of(client: DockerClient, image: str) -> Iterator[bytes]:
    """The files of all layers of an image, as one stream."""
    yield from client.get_image(image)


def stream_holds(chunks: Iterator[bytes], texts: list[bytes]) -> set[bytes]:
    """Which of the texts occur in a stream, also across its chunks."""
    longest, before, found = max(map(len, texts)), b"", set[bytes]()
    for chunk in chunks:
        window = before + chunk
        found.update(text for text in texts if text in window)
        before = window[-longest:]
    return found


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Index:
    """A package index with one package, ``tg-test-private``; it wants the user ``mole`` and ``s3cret-of-index``."""

    user, password = "mole", "s3cret-of-index"
    wheel = "tg_test_private-1.0-py3-none-any.whl"

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.path = folder / self.wheel
        with zipfile.ZipFile(self.path, "w") as archive:
            archive.writestr("tg_test_private.py", "value = 42\n")
            information = "tg_test_private-1.0.dist-info"
            archive.writestr(f"{information}/METADATA", "Metadata-Version: 2.1\nName: tg-test-private\nVersion: 1.0\n")
            archive.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{information}/RECORD", "")
        self.requests: list[str] = []
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                login = base64.b64encode(f"{index.user}:{index.password}".encode()).decode()
                index.requests.append(self.path)
                if self.headers.get("Authorization") != f"Basic {login}":
                    self.answer(401, b"")
                elif self.path == "/simple/tg-test-private/":
                    self.answer(200, f'<a href="/files/{index.wheel}">{index.wheel}</a>'.encode(), "text/html")
                elif self.path == f"/files/{index.wheel}":
                    self.answer(200, index.path.read_bytes())
                else:
                    self.answer(404, b"")

            def answer(self, status: int, content: bytes, kind: str = "application/octet-stream") -> None:
                self.send_response(status)
                self.send_header("WWW-Authenticate", "Basic")
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        return f"http://{self.user}:{self.password}@127.0.0.1:{self._server.server_port}/simple"

    def __enter__(self) -> "Index":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class RegistryServer:
    """A ``docker-registry`` on a port of this machine."""

    def __init__(self, program: str, folder: Path, port: int, htpasswd: str | None) -> None:
        folder.mkdir()
        self.address = f"127.0.0.1:{port}"
        self._images = folder / "data"
        config: dict[str, Any] = {
            "version": "0.1",
            "storage": {"filesystem": {"rootdirectory": str(self._images)}},
            "http": {"addr": self.address},
        }
        if htpasswd is not None:
            (folder / "htpasswd").write_text(htpasswd)
            config["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
        self._config = folder / "config.yml"
        self._config.write_text(json.dumps(config))  # JSON is YAML
        self._program = program

    def __enter__(self) -> "RegistryServer":
        bring_layers(self._images)
        self._process = subprocess.Popen(
            [self._program, "serve", str(self._config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._process.stdout is not None
        lines = []
        for line in self._process.stdout:
            lines.append(line)
            if b"listening on" in line:
                break
        else:
            raise AssertionError(b"".join(lines).decode())
        self._reader = threading.Thread(target=self._process.stdout.read)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        keep_layers(self._images)


class SshServer:
    """An ``sshd`` on this machine for this user, and an ``ssh`` in a folder of its own that trusts and is trusted."""

    def __init__(self, program: str, folder: Path, port: int) -> None:
        folder.mkdir()
        self.url = f"ssh://127.0.0.1:{port}"
        self.bin = folder / "bin"
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
        (folder / "sshd_config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nPidFile none\nStrictModes no\n"
            f"AuthorizedKeysFile {folder / 'user.pub'}\nUsePAM no\nPermitRootLogin prohibit-password\n"
        )
        (folder / "ssh_config").write_text(
            f"IdentityFile {folder / 'user'}\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n"
        )
        self.bin.mkdir()
        client = self.bin / "ssh"
        client.write_text(f'#!/bin/sh\nPATH="${{PATH#*:}}" exec ssh -F {folder / "ssh_config"} "$@"\n')
        client.chmod(0o755)
        self._command = [program, "-D", "-e", "-f", str(folder / "sshd_config")]

    def __enter__(self) -> "SshServer":
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        if b"listening on" not in line:
            raise AssertionError(line.decode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()
