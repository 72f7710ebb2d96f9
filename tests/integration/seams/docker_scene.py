"""Faults between a launcher and the Docker daemon."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from docker.errors import NotFound

from tests.integration.seams.faults import Calls
from tests.integration.seams.proxy import Request, SeamProxy
from tests.integration.seams.scene import StoredScene
from tg.common.delivery.delivery.image.docker_client import DockerClient

_VERSION = re.compile(r"^/v[\d.]+/")


class DockerScene(StoredScene):
    """Trains in a container, in an image that is made for each launcher from a version of its own of the project.

    Args:
        project: The project, with a module ``tasks``.
        folder: Where folders are made.
        store: An empty store, which is copied for each launcher.
        client: The daemon, which no fault meets.
        socket_path: Where the daemon listens.
    """

    def __init__(self, project: Path, folder: Path, store: Path, client: DockerClient, socket_path: str) -> None:
        super().__init__("local", project, folder, store)
        self._client, self._socket_path = client, socket_path
        self._names: dict[Path, list[str]] = {}

    def find_project(self, folder: Path) -> Path:
        return copy_project(self._project, folder)

    @contextmanager
    def open_seam(self, folder: Path, calls: Calls) -> Iterator[dict[str, str]]:
        names: list[str] = self._names.setdefault(folder, [])
        is_started = False

        def name(request: Request) -> str:
            nonlocal is_started
            found = name_call(request)
            if found == "POST containers/create":
                names.append(parse_qs(urlsplit(request.path).query)["name"][0])
            if is_started and "containers" in found:
                found = f"{found}, of a job that there is"
            is_started = is_started or found == "POST containers/*/start"
            return found

        with open_docker_seam(self._socket_path, folder, calls, name) as variables:
            yield variables

    def note_job(self, folder: Path, job_id: str) -> None:
        self._names.setdefault(folder, []).append(job_id)

    def has_begun(self, folder: Path, job_id: str) -> bool:
        return b"step:4" in self._client.logs(job_id)

    def list_jobs(self, folder: Path) -> list[str]:
        described = {each.name: "" for each in (folder / "jobs").iterdir()}
        for name in self._names[folder]:
            try:
                state = self._client.inspect_container(name)["State"]
            except NotFound:
                continue
            is_well = state["ExitCode"] == 0 and state["Status"] == "exited"
            described[name] = "going on" if state["Running"] else "completed" if is_well else state["Status"]
        return [
            state or ("completed" if (folder / "jobs" / n / "model.tar.gz").exists() else "gone")
            for n, state in described.items()
        ]

    def close(self) -> None:
        """Removes the containers of all launchers."""
        for name in (each for names in self._names.values() for each in names):
            try:
                self._client.remove_container(name, force=True, v=True)
            except NotFound:
                continue


def copy_project(project: Path, folder: Path) -> Path:
    """Copies a project into a folder, as a version that only this folder has."""
    copy = folder / project.name
    shutil.copytree(project, copy)
    with (copy / "tasks.py").open("a") as tasks:
        tasks.write(f"\nVERSION = {folder.name!r}\n")
    return copy


@contextmanager
def open_docker_seam(
    socket_path: str, folder: Path, calls: Calls, name: Callable[[Request], str]
) -> Iterator[dict[str, str]]:
    """Opens what the calls to a daemon pass through, and yields the variables that lead there."""
    # A path of a socket has 108 characters at most.
    path = Path("/tmp", f"tg-seams-{abs(hash(folder)):x}.sock")
    with SeamProxy(socket_path, calls, name, socket_path=path) as proxy:
        try:
            yield {"DOCKER_HOST": proxy.address}
        finally:
            path.unlink(missing_ok=True)


def name_call(request: Request) -> str:
    """Names a request by its method and path, without the version of the API, ids and names."""
    path, words = urlsplit(request.path), parse_qs(urlsplit(request.path).query)
    parts = _VERSION.sub("", path.path).strip("/").split("/")
    if parts[0] in ("containers", "images", "exec", "volumes", "distribution") and parts[1:] not in (
        ["json"],
        ["create"],
        ["prune"],
    ):
        last = parts[-1] if len(parts) > 2 else ""
        parts = [parts[0], "*", last] if last else [parts[0], "*"]
    follows = " follow" if words.get("follow", ["0"])[0].lower() in ("1", "true") else ""
    return f"{request.method} {'/'.join(parts)}{follows}"
