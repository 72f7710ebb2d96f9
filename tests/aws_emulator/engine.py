"""The local Docker daemon as SageMaker's instances; the one file that imports the Docker SDK."""

import calendar
import itertools
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import docker
from docker.errors import APIError, NotFound
from docker.utils import kwargs_from_env

LABEL = "tg-aws-emulator"
_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z ")


# Python has the filter since 3.11.4; before, it does what the filter does to a trusted archive.
_TAR_FILTER: dict[str, Any] = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}


class PullError(Exception):
    """An image cannot be pulled."""


class StartError(Exception):
    """A container cannot be started, because there is no such program in it."""


class Engine:
    """Containers and networks with the label of one emulator.

    Args:
        owner: The label's value.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._client = self._connect()

    def pull(self, image: str, login: dict[str, str]) -> None:
        """Pulls an image.

        Raises:
            PullError: If that cannot be done.
        """
        try:
            for line in self._client.pull(image, stream=True, decode=True, auth_config=login):
                if "error" in line:
                    raise PullError(line["error"])
        except APIError as error:
            raise PullError(str(error.explanation)) from error

    def create(self, config: dict[str, Any], files: IO[bytes]) -> str:
        """Makes a container and puts files into its root."""
        config = {**config, "Labels": {LABEL: self._owner}}
        container: str = self._client.create_container_from_config(config)["Id"]
        self._client.put_archive(container, "/", files)
        return container

    def start(self, container: str) -> None:
        """Starts a container.

        Raises:
            StartError: If it has not the program that it shall run.
        """
        try:
            self._client.start(container)
        except APIError as error:
            raise StartError(str(error.explanation)) from error

    def send_signal(self, container: str, name: str) -> None:
        """Sends a signal; a container that has ended gets none."""
        try:
            self._client.kill(container, name)
        except APIError as error:
            if error.status_code not in (404, 409):
                raise

    def follow(self, container: str, write_line: Callable[[str, int], None]) -> int:
        """Passes on the lines that a container writes, with their time in ms, until it ends.

        Returns:
            Its exit code; -1 if it was removed.
        """
        client = self._connect()  # a connection is busy as long as the container runs
        lines, seen = _Lines(write_line), 0
        try:
            for frame in client.logs(container, stream=True, follow=True, timestamps=True):
                lines.add(frame)
                seen += 1
            exit_code: int = client.wait(container)["StatusCode"]
            # The engine may end a stream before the last lines.
            rest = client.logs(container, stream=True, follow=False, timestamps=True)
            for frame in itertools.islice(rest, seen, None):
                lines.add(frame)
        except NotFound:
            exit_code = -1
        finally:
            client.close()
        lines.flush()
        return exit_code

    def is_out_of_memory(self, container: str) -> bool:
        return bool(self._client.inspect_container(container)["State"]["OOMKilled"])

    def fetch(self, container: str, path: str, folder: Path) -> None:
        """Copies what a folder or file in a container holds into ``folder``; nothing if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        try:
            chunks, _ = self._client.get_archive(container, path)
        except NotFound:
            return
        with tempfile.TemporaryFile() as file, tempfile.TemporaryDirectory() as scratch:
            for chunk in chunks:
                file.write(chunk)
            file.seek(0)
            with tarfile.open(fileobj=file) as archive:
                archive.extractall(scratch, **_TAR_FILTER)
            _merge(Path(scratch) / Path(path).name, folder)

    def create_network(self, name: str) -> None:
        self._client.create_network(name, labels={LABEL: self._owner})

    def remove(self, container: str) -> None:
        """Removes a container, running or not."""
        try:
            self._client.remove_container(container, force=True, v=True)
        except APIError as error:
            if error.status_code not in (404, 409):  # gone, or being removed
                raise

    def remove_network(self, name: str) -> None:
        self._client.remove_network(name)

    def remove_all(self, registry: str | None) -> None:
        """Removes the emulator's containers and networks, and the names of images that are of a registry."""
        mine = {"label": f"{LABEL}={self._owner}"}
        for container in self._client.containers(all=True, filters=mine):
            self.remove(container["Id"])
        for network in self._client.networks(filters=mine):
            self.remove_network(network["Id"])
        for image in self._client.images() if registry is not None else ():
            for name in [*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())]:
                if name.startswith(f"{registry}/"):
                    self._remove_image(name)

    def close(self) -> None:
        self._client.close()

    def _remove_image(self, name: str) -> None:
        try:
            self._client.remove_image(name, force=True)
        except NotFound:
            return  # the last tag takes the digest with it

    @staticmethod
    def _connect() -> docker.APIClient:
        return docker.APIClient(version="auto", timeout=600, **kwargs_from_env())


class _Lines:
    """Puts frames of a log together to lines."""

    def __init__(self, write_line: Callable[[str, int], None]) -> None:
        self._write_line = write_line
        self._begun = b""
        self._time_ms = 0

    def add(self, frame: bytes) -> None:
        match = _STAMP.match(frame)
        if match:
            seconds = calendar.timegm(datetime.fromisoformat(match[1].decode()).timetuple())
            self._time_ms = seconds * 1000 + int((match[2] or b"")[:3].ljust(3, b"0"))
        *lines, self._begun = (self._begun + frame[match.end() if match else 0 :]).split(b"\n")
        for line in lines:
            self._write_line(line.decode(errors="replace"), self._time_ms)

    def flush(self) -> None:
        if self._begun:
            self._write_line(self._begun.decode(errors="replace"), self._time_ms)
            self._begun = b""


def _merge(source: Path, folder: Path) -> None:
    for path in _files_in(source):
        target = folder / (path.relative_to(source) if path != source else path.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


def _files_in(path: Path) -> Iterator[Path]:
    if path.is_symlink() or path.is_file():
        yield path
    elif path.is_dir():
        for each in sorted(path.iterdir()):
            yield from _files_in(each)
