"""A Docker daemon, a base image, and images and registries made for these tests.

Without a daemon the tests are skipped; with ``TG_REQUIRE_DOCKER=1`` they fail instead. ``.ci/docker-setup`` makes what
they need; ``TG_TEST_BASE_IMAGE`` names another base image.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.daemon_turns import turn_at_the_daemon
from tests.integration.docker.support import (
    SCRIPT_ENTRYPOINT,
    Index,
    RegistryServer,
    SshServer,
    find_free_port,
    make_package,
    read_build_options,
)
from tests.unrun_task import Task
from tg.common import ContainerError
from tg.common.delivery.delivery import Containering, DependencyList, Packaging
from tg.common.delivery.delivery.image.docker_client import DockerClient, connect, engine_platform
from tg.common.delivery.delivery.image.image import Image
from tg.common.delivery.delivery.image.image_builder import build_image
from tg.common.delivery.delivery.image.image_options import ImageBuildOptions
from tg.common.delivery.delivery.image.image_source import find_image
from tg.common.delivery.delivery.package.package import Package
from tg.common.delivery.sagemaker import SagemakerConfig, SagemakerJob, SagemakerLocalExecutor, SagemakerOptions


def give_up(reason: str) -> NoReturn:
    """Skips the test, or fails it where Docker is required."""
    if os.environ.get("TG_REQUIRE_DOCKER"):
        pytest.fail(f"TG_REQUIRE_DOCKER is set, but {reason}")
    pytest.skip(reason)


def require_program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    return found or give_up(f"there is no {name}; run .ci/docker-setup")


@pytest.fixture(scope="session")
def docker_client() -> DockerClient:
    try:
        return connect()
    except ContainerError as error:
        give_up(str(error))


@pytest.fixture(scope="session")
def base_image(docker_client: DockerClient) -> str:
    name = os.environ.get("TG_TEST_BASE_IMAGE", "tg-test-base:latest")
    if find_image(docker_client, name) is None:
        give_up(f"there is no image {name!r}; run .ci/docker-setup")
    return name


@pytest.fixture(scope="session")
def build_options() -> ImageBuildOptions:
    return read_build_options()


@pytest.fixture
def make_containering(
    docker_client: DockerClient, base_image: str, build_options: ImageBuildOptions
) -> Callable[..., Containering]:
    """Makes descriptions of images called ``tg-test-<name>``, all on one dependency image."""

    def make(name: str, dependencies: list[str] | None = None, **attributes: Any) -> Containering:
        containering = Containering.from_packaging(Packaging("Demo", "0", {}))
        containering.image_name = f"tg-test-{name}"
        containering.base_image = base_image
        pinned = [f"jsonpickle=={version('jsonpickle')}"] if dependencies is None else dependencies
        containering.dependencies = [DependencyList("test", pinned)]
        containering.build_options = build_options
        for attribute, value in attributes.items():
            assert hasattr(containering, attribute)
            setattr(containering, attribute, value)
        return containering

    return make


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return make_package(tmp_path)


@pytest.fixture(scope="session")
def script_image(docker_client: DockerClient, base_image: str) -> Image:
    """An image whose containers run the Python program in the variable ``SCRIPT``."""
    reference, base = "tg-test-script:latest", find_image(docker_client, base_image)
    assert base is not None
    labels = {"tg-test.base": base["Id"], "tg-test.version": "1"}
    found = find_image(docker_client, reference)
    if found is not None and labels.items() <= (found["Config"]["Labels"] or {}).items():
        return Image(reference, found["Id"])
    return build_image(
        docker_client,
        reference,
        f"FROM {base_image}\nVOLUME /scratch\n{SCRIPT_ENTRYPOINT}\n",
        {},
        platform=engine_platform(docker_client),
        options=ImageBuildOptions(),
        labels=labels,
        secret_texts=(),
        say=lambda line: None,
    )


@pytest.fixture(autouse=True)
def daemon_turn(request: pytest.FixtureRequest) -> Iterator[None]:
    """Waits until this test may use the daemon."""
    with turn_at_the_daemon(request) if "docker_client" in request.fixturenames else contextlib.nullcontext():
        yield


@pytest.fixture
def nothing_is_left(docker_client: DockerClient, daemon_turn: None) -> Iterator[None]:
    """Checks that a test leaves the daemon as it was: no container, volume or network more or less, no unnamed image.

    An unnamed image of an earlier build whose process was killed may go meanwhile: each launcher removes such images.
    """

    def list_all() -> dict[str, set[str]]:
        return {
            "containers": {each["Id"] for each in docker_client.containers(all=True)},
            "volumes": {each["Name"] for each in docker_client.volumes()["Volumes"] or []},
            "networks": {each["Id"] for each in docker_client.networks()},
        }

    def list_unnamed() -> set[str]:
        return {each["Id"] for each in docker_client.images(filters={"dangling": True})}

    before, unnamed = list_all(), list_unnamed()
    yield
    assert list_all() == before
    assert list_unnamed() - unnamed == set()


@pytest.fixture(autouse=True)
def jobs_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    return tmp_path / "jobs"


@pytest.fixture
def make_executor(
    docker_client: DockerClient, script_image: Image, tmp_path: Path
) -> Iterator[Callable[..., SagemakerLocalExecutor]]:
    """Makes executors whose jobs run a Python program; whatever is left of their containers is removed."""

    def make(
        script: str, dataset: str | None = None, client: DockerClient | None = docker_client, **options: Any
    ) -> SagemakerLocalExecutor:
        job = SagemakerJob(Task())
        packaging = Packaging("Script", "0", {"job": job})
        containering = Containering.from_packaging(packaging)
        containering.image_uri = options.pop("image_uri", script_image.reference)
        environment = {"SCRIPT": script, **options.pop("environment", {})}
        settings = SagemakerOptions(None, None, "project", tmp_path, dataset, environment=environment, **options)
        return SagemakerLocalExecutor(SagemakerConfig(job, packaging, containering, settings), client)

    yield make
    jobs = tmp_path / "jobs"
    for name in os.listdir(jobs) if jobs.is_dir() else ():
        for container in docker_client.containers(all=True, filters={"name": f"^/{name}$"}):
            docker_client.remove_container(container["Id"], force=True, v=True)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """A package index on this machine that wants a user and a password."""
    with Index(tmp_path / "index") as server:
        yield server


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """An image registry on this machine, open to everyone; a layer that it has is pushed once."""
    program = require_program("docker-registry")
    with RegistryServer(program, tmp_path_factory.mktemp("open") / "registry", find_free_port(), None) as server:
        yield server


@pytest.fixture
def closed_registry(tmp_path: Path) -> Iterator[RegistryServer]:
    """An image registry that wants the user ``mover`` and the password ``sesame-open``."""
    program = require_program("docker-registry")
    htpasswd = "mover:$2b$05$abcdefghijklmnopqrstuuS9BZOyeahxQEvqVJ2MwcTfokCZow8ni\n"
    with RegistryServer(program, tmp_path / "registry", find_free_port(), htpasswd) as server:
        yield server


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshServer]:
    """A way to this machine over SSH, for the program ``ssh`` as this process finds it."""
    program = require_program("sshd")
    require_program("docker")  # it is what answers at the other end
    Path("/run/sshd").mkdir(exist_ok=True)
    with SshServer(program, tmp_path / "ssh", find_free_port()) as server:
        monkeypatch.setenv("PATH", f"{server.bin}:{os.environ['PATH']}")
        yield server
