"""Adds the upper layer of an image in one step: a container that never starts gets the files, and becomes the image.

Docker takes a twentieth of a second or more for each instruction of a Dockerfile, also for those that add no files.
"""

import gzip
import io
import posixpath
import secrets
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import IO

from ....errors import ContainerError, ImageBuildError
from ....logger import Logger
from ....system.disk_errors import naming_file
from ....system.interrupts import uninterrupted
from ....system.process_mark import mark_process
from ..package.bytecode import compile_modules
from ..package.package import Package
from .docker_client import DockerClient, ObjectMissingError, engine_errors
from .image import Image
from .image_builder import BUILD_LABEL, BUILDER_LABEL, format_labels
from .removals import remove

LAYER_CONTAINER = "tg-mlflow-layer-"
_FOLDER = "opt/tg"
_COPYING = ("FROM", "ADD", "COPY")


def build_code_image(
    client: DockerClient,
    reference: str,
    base: str,
    dockerfile: str,
    package: Package,
    run_file: Mapping[str, bytes],
    labels: Mapping[str, str],
    has_this_python: bool,
) -> Image:
    """Builds the image that the default Dockerfile describes, with the package's modules compiled.

    Args:
        client: The daemon.
        reference: The image's name and tag.
        base: The image below.
        dockerfile: What the files come with, such as variables; its files are the package, unpacked and as a file, and
            the run file.
        package: The package.
        run_file: The content of the run file by its name.
        labels: The image's labels, without quotes.
        has_this_python: Whether the image has this process's Python, for which the modules can be compiled here.

    Raises:
        ImageBuildError: If the daemon refuses it.
    """
    build_id = secrets.token_hex(8)
    labels = {BUILD_LABEL: build_id, BUILDER_LABEL: mark_process(), **labels}
    settings = [line for line in dockerfile.splitlines() if not line.startswith(_COPYING)]
    name, tag = reference.rsplit(":", 1)
    container = LAYER_CONTAINER + build_id
    with engine_errors(ImageBuildError, f"image {reference!r} cannot be built"), tempfile.TemporaryFile() as file:
        with naming_file(Path(tempfile.gettempdir())):
            _write_layer(file, package, run_file, has_this_python)
            file.seek(0)
        try:
            with uninterrupted() as held:
                client.create_container_from_config({"Image": base, "Labels": labels}, name=container)
            held.raise_any()
            client.put_archive(container, "/", file)
            made = client.commit(container, name, tag, changes="\n".join([*settings, format_labels(labels)]))
            return Image(reference, made["Id"])
        finally:
            remove(partial(remove_layer_container, client, container))


def remove_layer_container(client: DockerClient, container: str) -> None:
    """Removes a container that was to become an image, if there is one; a warning says if that is not possible."""
    try:
        with engine_errors(ContainerError, f"container {container!r} of a build cannot be removed"):
            client.remove_container(container, v=True, force=True)
    except ObjectMissingError:
        return
    except ContainerError as error:
        Logger.warning(error)


def _write_layer(target: IO[bytes], package: Package, run_file: Mapping[str, bytes], has_this_python: bool) -> None:
    content = package.path.read_bytes()
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as archive:
        members = [(each.name, archive.extractfile(each)) for each in archive if each.isfile()]
        files = {name: file.read() for name, file in members if file is not None}
    if has_this_python:
        files |= compile_modules(files)
    files |= {package.path.name: content, **run_file}
    with tarfile.open(fileobj=target, mode="w") as layer:
        for folder in sorted(_list_folders(files)):
            member = tarfile.TarInfo(posixpath.join(_FOLDER, folder).rstrip("/"))
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            layer.addfile(member)
        for name, data in files.items():
            member = tarfile.TarInfo(f"{_FOLDER}/{name}")
            member.size, member.mode = len(data), 0o644
            layer.addfile(member, io.BytesIO(data))


def _list_folders(files: Iterable[str]) -> set[str]:
    """Returns all folders above some files, the topmost as an empty text."""
    found = {""}
    for name in files:
        while (name := posixpath.dirname(name)) not in found:
            found.add(name)
    return found
