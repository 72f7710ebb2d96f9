"""Sends the input into a container's ``/opt/ml`` and fetches the results from it.

Files travel through the daemon: this works over a network, and leaves no files of another user here.
"""

import io
import posixpath
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from ....errors import ContainerError
from ....system.disk_errors import naming_file
from ...delivery.image.docker_client import DockerClient, ObjectMissingError, engine_errors
from ..archive.names import COMPLETION
from ..contract.ml_folder import MlFolder
from ..contract.variables import describe_dataset

_ML = MlFolder()


def send_input(
    client: DockerClient,
    container: str,
    config: Mapping[str, bytes],
    inputs: Mapping[str, Path],
    checkpoints: Path | None = None,
) -> None:
    """Creates ``/opt/ml`` in a container that has not been started.

    Args:
        client: The daemon.
        container: The container.
        config: The files of ``input/config``.
        inputs: What to send into the input channels; nothing that is mounted.
        checkpoints: The folder of the checkpoints that it begins with.

    Raises:
        ContainerError: If the daemon refuses it.
    """
    with engine_errors(ContainerError, f"container {container!r} cannot be looked at"):
        is_root = client.inspect_container(container)["Config"]["User"] in ("", "0", "root")
    with tempfile.TemporaryFile() as file:
        with naming_file(Path(tempfile.gettempdir())), tarfile.open(fileobj=file, mode="w") as archive:
            for folder in (_ML.root, _ML.root / "input", _ML.config, _ML.data.parent):
                _add_folder(archive, folder, 0o755)
            for folder in (_ML.model, _ML.failure.parent, _ML.failure.parent / "data", _ML.checkpoints):
                _add_folder(archive, folder, 0o755 if is_root else 0o777)
            for name, content in config.items():
                member = tarfile.TarInfo(_name_in_tar(_ML.config / name))
                member.mode, member.size = 0o644, len(content)
                archive.addfile(member, io.BytesIO(content))
            for name, path in inputs.items():
                target = _ML.find_channel(name) / describe_dataset(path)
                archive.add(path, _name_in_tar(target), filter=_readable_by_all)
            if checkpoints is not None:
                writable = _readable_by_all if is_root else _writable_by_all
                for each in sorted(checkpoints.iterdir()):
                    archive.add(each, _name_in_tar(_ML.checkpoints / each.name), filter=writable)
        file.seek(0)
        _put(client, container, file)


def fetch_model(client: DockerClient, container: str) -> Iterator[bytes]:
    """Yields ``/opt/ml/model`` as a tar stream with all members below ``model/``.

    Raises:
        ObjectMissingError: If the container has no such folder, or is gone.
    """
    yield from _fetch_folder(client, container, _ML.model)


def fetch_output_data(client: DockerClient, container: str) -> Iterator[bytes]:
    """Yields ``/opt/ml/output/data`` as a tar stream with all members below ``data/``.

    Raises:
        ObjectMissingError: If the container has no such folder, or is gone.
    """
    yield from _fetch_folder(client, container, _ML.output_data)


def fetch_checkpoints(client: DockerClient, container: str) -> Iterator[bytes]:
    """Yields ``/opt/ml/checkpoints`` as a tar stream with all members below ``checkpoints/``.

    Raises:
        ObjectMissingError: If the container has no such folder, or is gone.
    """
    yield from _fetch_folder(client, container, _ML.checkpoints)


def fetch_failure(client: DockerClient, container: str) -> str | None:
    """Reads the first line of ``/opt/ml/output/failure``, if there is one."""
    content = _fetch(client, container, _ML.failure)
    lines = [] if content is None else content.decode(errors="replace").strip().splitlines()
    return lines[0].strip() if lines else None


def fetch_completion(client: DockerClient, container: str) -> bytes | None:
    """Reads ``/opt/ml/model/completed.json``, if there is one."""
    return _fetch(client, container, _ML.model / COMPLETION)


def _fetch_folder(client: DockerClient, container: str, folder: Path) -> Iterator[bytes]:
    with engine_errors(ContainerError, f"the results cannot be fetched from container {container!r}"):
        stream, _ = client.get_archive(container, folder.as_posix())
        yield from stream


def _fetch(client: DockerClient, container: str, path: Path) -> bytes | None:
    try:
        with engine_errors(ContainerError, f"{path.name!r} cannot be fetched from container {container!r}"):
            stream, _ = client.get_archive(container, path.as_posix())
            content = b"".join(stream)
    except ObjectMissingError:
        return None
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        member = archive.next()
        file = archive.extractfile(member) if member is not None else None
        return b"" if file is None else file.read()


def _put(client: DockerClient, container: str, file: IO[bytes]) -> None:
    with engine_errors(ContainerError, f"the input cannot be sent to container {container!r}"):
        client.put_archive(container, "/", file)


def _add_folder(archive: tarfile.TarFile, folder: Path, mode: int) -> None:
    member = tarfile.TarInfo(_name_in_tar(folder))
    member.type, member.mode = tarfile.DIRTYPE, mode
    archive.addfile(member)


def _readable_by_all(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member


def _writable_by_all(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mode = 0o777 if _readable_by_all(member).isdir() else 0o666
    return member


def _name_in_tar(path: Path) -> str:
    return posixpath.relpath(path.as_posix(), "/")
