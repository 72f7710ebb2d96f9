"""Connects to a Docker daemon and translates its errors; the only module that imports the Docker SDK."""

import errno
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from ....errors import ContainerError, DeliveryError
from ....secrets import MASK
from .watched_stream import note_response

if TYPE_CHECKING:
    from docker import APIClient

    DockerClient: TypeAlias = APIClient
else:
    DockerClient = Any

# Docker's SDK refuses it in messages that would show it.
_PASSWORD = re.compile(r"(?<=://)([^/:@]*):.*@")

_LOCAL_URLS = ("http+docker://localhost", "http+docker://localnpipe")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# A daemon starts programs of its own to say this, which takes a hundredth of a second, and it does not change.
_PLATFORMS: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


class EngineAwayError(ContainerError):
    """The daemon does not answer, or not properly; what it runs goes on."""


class ObjectMissingError(ContainerError):
    """The daemon has no such image, container or file."""


class NotSupportedError(ContainerError):
    """The daemon cannot do this, now or later."""


def connect(docker_host: str | None = None) -> DockerClient:
    """Connects to a daemon.

    Args:
        docker_host: Such as ``unix:///var/run/docker.sock`` or ``ssh://user@host``, which uses the program ``ssh`` and
            its configuration; ``None`` for ``DOCKER_HOST``, or else the local daemon.

    Raises:
        ContainerError: If it does not answer, or the Docker SDK is not installed, or not for ssh.
    """
    try:
        import docker
        from docker.utils import kwargs_from_env
    except ModuleNotFoundError as e:
        raise ContainerError("the Python package 'docker' is not installed; run `pip install docker`") from e
    environment = dict(os.environ)
    if docker_host is not None:
        environment["DOCKER_HOST"] = docker_host
    host = environment.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if _PASSWORD.search(host):
        shown = _PASSWORD.sub(rf"\1:{MASK}@", host)
        raise ContainerError(f"the Docker daemon at {shown!r} cannot be used: Docker takes no password; leave it out")
    is_remote = host.startswith("ssh://")
    if is_remote and importlib.util.find_spec("paramiko") is None:  # Docker's SDK imports it, also to use `ssh`
        raise ContainerError(
            f"the Docker daemon at {host!r} is reached by ssh, for which a package is missing; run "
            "`pip install 'tg-mlflow[ssh]'`"
        )
    hint = f" (does `ssh {host} docker version` work?)" if is_remote else ""
    with engine_errors(ContainerError, f"the Docker daemon at {host!r} cannot be used{hint}"):
        client = docker.APIClient(version="auto", use_ssh_client=is_remote, **kwargs_from_env(environment=environment))
    client.hooks["response"].append(note_response)
    return client


def is_local(client: DockerClient) -> bool:
    """Returns whether the daemon sees this machine's files: it answers on a socket and not over a network."""
    return client.base_url in _LOCAL_URLS


def engine_platform(client: DockerClient) -> str:
    """Returns the daemon's platform, such as ``linux/amd64``; each connection asks once."""
    if client not in _PLATFORMS:
        with engine_errors(ContainerError, "the Docker daemon does not say what it runs"):
            version = client.version()
        _PLATFORMS[client] = short_platform(f"{version['Os']}/{version['Arch']}")
    return _PLATFORMS[client]


def short_platform(platform: str) -> str:
    """Formats a platform as Docker does, without its variant: ``linux/aarch64/v8`` becomes ``linux/arm64``."""
    system, _, architecture = platform.partition("/")
    architecture = architecture.partition("/")[0]
    return f"{system}/{_ARCHITECTURES.get(architecture, architecture)}"


def wait_for_exit(client: DockerClient, container: str, timeout_seconds: int) -> bool:
    """Waits until a container has ended; returns whether it has within the timeout.

    Raises:
        ContainerError: If the daemon cannot be reached or has no such container.
    """
    import requests

    with engine_errors(ContainerError, f"container {container!r} cannot be waited for"):
        try:
            client.wait(container, timeout=timeout_seconds)
        except (requests.ReadTimeout, requests.ConnectionError) as e:
            if _find_os_error(e) is not None:
                raise
            return False
    return True


_ANSWERS: dict[int, type[ContainerError]] = {404: ObjectMissingError, 501: NotSupportedError}


@contextmanager
def engine_errors(error: type[DeliveryError], what: str) -> Iterator[None]:
    """Translates the SDK's errors into one line each, which begins with ``what``.

    Raises:
        EngineAwayError: If the daemon cannot be reached, or fails by itself, and ``error`` is :class:`ContainerError`.
        ObjectMissingError: If the object is missing, and ``error`` is :class:`ContainerError`.
        NotSupportedError: If the daemon cannot do it at all, and ``error`` is :class:`ContainerError`.
        DeliveryError: Of the class ``error``, if the daemon refuses the request.
    """
    import requests
    import urllib3
    from docker.errors import APIError, DockerException

    try:
        yield
    except APIError as e:
        kind = error
        if error is ContainerError:
            kind = _ANSWERS.get(e.status_code or 0, EngineAwayError if e.is_server_error() else error)
        raise kind(explain(what, str(e.explanation or e))) from e
    except (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError) as e:
        raise EngineAwayError(f"{what}: {_connection_trouble(e)}") from e


def explain(what: str, message: str) -> str:
    """Formats the daemon's message as one line; for a full disk, with advice."""
    if is_disk_full(message):
        return f"{what}: the Docker daemon's disk is full; free space, for example with `docker system prune`"
    return f"{what}: {first_line(message)}"


def is_disk_full(message: str) -> bool:
    """Returns whether a message reports a full disk."""
    return os.strerror(errno.ENOSPC).lower() in message.lower()


def first_line(message: str) -> str:
    """Returns the first non-empty line, without the daemon's usual prefix."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[0].removeprefix("Error response from daemon: ") if lines else "no reason is given"


def _connection_trouble(error: BaseException) -> str:
    cause = _find_os_error(error)
    if isinstance(cause, PermissionError):
        return "no permission to use its socket; add yourself to the group `docker` and log in again"
    if isinstance(cause, (FileNotFoundError, ConnectionError)):
        do = "start Docker" if shutil.which("docker") or shutil.which("dockerd") else "install and start Docker"
        return f"no Docker daemon answers ({cause.strerror or cause}); {do}, or name another one with DOCKER_HOST"
    return first_line(str(error))


def _find_os_error(error: BaseException) -> OSError | None:
    """Finds the operating system's error, which the libraries wrap as an argument or a context."""
    pending: list[BaseException] = [error]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        # An error of `requests` is an OSError too, but one without a number.
        if isinstance(each, ConnectionError) or (isinstance(each, OSError) and each.errno is not None):
            return each
        wrapped = (*each.args, each.__cause__, each.__context__)
        pending.extend(inner for inner in wrapped if isinstance(inner, BaseException))
    return None
