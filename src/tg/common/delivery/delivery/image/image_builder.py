"""Builds one image from a Dockerfile and leaves nothing else behind."""

import io
import re
import secrets
import tarfile
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO, Any

from ....errors import ContainerError, ImageBuildError
from ....logger import Logger
from ....system.disk_errors import naming_file
from ....system.interrupts import uninterrupted
from ....system.process_mark import mark_process
from .docker_client import DockerClient, engine_errors, explain, first_line, is_disk_full
from .image import Image
from .image_options import ImageBuildOptions, redact
from .silence import Silence
from .watched_stream import read_watched

BUILD_LABEL = "tg-mlflow.build"
BUILDER_LABEL = "tg-mlflow.builder"  # the process, by which others know when it is gone
_SHOWN_LINES = 15
_REMOVAL_SECONDS = 10
# How long the daemon may take to notice that a build was cancelled; there is no event for it.
_GIVE_UP_SECONDS = 0.5
_COLOUR = re.compile(r"\x1b\[[\d;]*m")

Say = Callable[[str], None]


def build_image(
    client: DockerClient,
    reference: str,
    dockerfile: str,
    files: Mapping[str, bytes | Path],
    *,
    platform: str,
    options: ImageBuildOptions,
    labels: Mapping[str, str],
    secret_texts: Sequence[str],
    say: Say,
) -> Image:
    """Builds an image.

    All stages are labelled with the build's own number, so that their remains can be found and removed at the end:
    images of earlier stages may contain certificates and credentials. The image's labels are set there, too, as each
    instruction costs a layer and a twentieth of a second.

    Args:
        client: The daemon.
        reference: The image's name and tag.
        dockerfile: The Dockerfile.
        files: The files of the build context, by name.
        platform: Such as ``linux/amd64``.
        options: The network, the arguments and the proxies.
        labels: The image's labels, without quotes.
        secret_texts: Texts that are never shown.
        say: Called with each line of progress.

    Raises:
        ImageBuildError: With the failing step and its last lines, if it fails.
        ContainerError: If the daemon cannot be reached.
    """
    build_id = secrets.token_hex(8)
    progress = _Progress(reference, secret_texts, say)
    is_built = is_given_up = False
    try:
        with (
            tempfile.TemporaryFile() as context,
            engine_errors(ImageBuildError, f"image {reference!r} cannot be built"),
        ):
            labelled = _label_stages(dockerfile, {BUILD_LABEL: build_id, BUILDER_LABEL: mark_process(), **labels})
            with naming_file(Path(tempfile.gettempdir())):
                _write_context(context, labelled, files)
                context.seek(0)
            begin = partial(
                client.build,
                fileobj=context,
                custom_context=True,
                tag=reference,
                network_mode=options.network,
                buildargs=options.build_args,
                platform=platform,
                rm=True,
                forcerm=True,
                decode=True,
            )
            silence = Silence(f"image {reference!r} cannot be built", partial(_runs_step, client, build_id))
            with closing(read_watched(begin, silence.look)) as events:
                progress.follow(events)
        with engine_errors(ImageBuildError, f"image {reference!r} cannot be built"):
            image = Image(reference, client.inspect_image(reference)["Id"])
        is_built = True
        return image
    except ImageBuildError as e:
        raise ImageBuildError(redact(str(e), secret_texts)) from e.__cause__
    except KeyboardInterrupt:
        is_given_up = True
        raise
    finally:
        with uninterrupted():
            _remove_leftovers(client, build_id, is_built)
            if is_given_up:  # the running step may have left something since
                time.sleep(_GIVE_UP_SECONDS)
                _remove_leftovers(client, build_id, is_built)


class _Progress:
    """Reads the daemon's output of a build."""

    def __init__(self, reference: str, secret_texts: Sequence[str], say: Say) -> None:
        self._reference = reference
        self._secrets = secret_texts
        self._say = say
        self._step = "the first step"
        self._lines: deque[str] = deque(maxlen=_SHOWN_LINES)

    def follow(self, events: Iterator[dict[str, Any]]) -> None:
        """Passes on every line.

        Raises:
            ImageBuildError: If the build has failed.
        """
        for event in events:
            if "error" in event:
                raise ImageBuildError(self._describe(str(event["error"])))
            text = _COLOUR.sub("", str(event.get("stream", "")))  # a step's stderr is coloured red
            for line in re.split(r"[\r\n]+", text):
                if line.strip():
                    self._add(redact(line.rstrip(), self._secrets))

    def _add(self, line: str) -> None:
        if match := re.match(r"Step (\d+/\d+) : (.*)", line):
            self._step = f"step {match[1]}, `{match[2]}`,"
            self._lines.clear()
        elif not re.match(r" ---> |Removing intermediate container", line):
            self._lines.append(line)
        else:
            return
        self._say(line)

    def _describe(self, error: str) -> str:
        lines = [*self._lines]
        errors = [line for line in lines if line.startswith("ERROR")]
        cause = (errors or lines or [first_line(error)])[-1].strip()
        what = f"image {self._reference!r} cannot be built: {self._step} failed"
        if is_disk_full("\n".join([*lines, error])):
            summary = explain(what, error if is_disk_full(error) else "\n".join(filter(is_disk_full, lines)))
        else:
            summary = f"{what}: {cause}"
        return "\n".join([summary, *lines, first_line(error)])


def _label_stages(dockerfile: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"(?im)^\s*FROM\s.*$", lambda match: f"{match[0]}\n{format_labels(labels)}", dockerfile)


def format_labels(labels: Mapping[str, str]) -> str:
    """Formats labels, which hold no quotes, as an instruction of a Dockerfile."""
    return "LABEL " + " ".join(f'{name}="{value}"' for name, value in labels.items())


def _write_context(target: IO[bytes], dockerfile: str, files: Mapping[str, bytes | Path]) -> None:
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in {"Dockerfile": dockerfile.encode(), **files}.items():
            member = tarfile.TarInfo(name)
            member.mode = 0o644
            source = content.open("rb") if isinstance(content, Path) else io.BytesIO(content)
            with closing(source):
                member.size = source.seek(0, io.SEEK_END)
                source.seek(0)
                archive.addfile(member, source)


def _runs_step(client: DockerClient, build_id: str) -> bool:
    with engine_errors(ContainerError, "the steps of a build cannot be listed"):
        return bool(client.containers(filters={"label": f"{BUILD_LABEL}={build_id}"}))


def _remove_leftovers(client: DockerClient, build_id: str, is_built: bool) -> None:
    """Removes the build's unnamed images; the daemon keeps those that others are based on.

    An interrupted build also leaves the container of a step. A completed one does not, but its image may be running
    already.
    """
    label = {"label": f"{BUILD_LABEL}={build_id}"}
    try:
        with engine_errors(ContainerError, "what a build has left cannot be listed"):
            for container in () if is_built else client.containers(all=True, filters=label):
                _remove_container(client, container["Id"])
        removed = True
        while removed:
            removed = False
            with engine_errors(ContainerError, "what a build has left cannot be listed"):
                images = client.images(all=True, filters=label)
            for image in images:
                if set(image["RepoTags"] or ()) <= {"<none>:<none>"}:
                    removed |= remove_image(client, image["Id"])
    except ContainerError as e:
        Logger.warning(e)


def _remove_container(client: DockerClient, container: str) -> None:
    try:
        with engine_errors(ContainerError, f"container {container} of a build cannot be removed"):
            client.remove_container(container, v=True, force=True)
    except ContainerError:
        # The daemon is removing it.
        with engine_errors(ContainerError, f"container {container} of a build is not removed"):
            client.wait(container, timeout=_REMOVAL_SECONDS, condition="removed")


def remove_image(client: DockerClient, image_id: str) -> bool:
    """Removes an image, if nothing else needs it; returns whether it was removed."""
    try:
        with engine_errors(ContainerError, f"image {image_id} cannot be removed"):
            client.remove_image(image_id)
    except ContainerError:
        return False  # another image or a container is based on it
    return True
