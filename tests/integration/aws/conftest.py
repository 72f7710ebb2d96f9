"""An emulated AWS, a registry and images for the tests against it.

Without a Docker daemon or the program ``docker-registry`` the tests with containers are skipped; with
``TG_REQUIRE_DOCKER=1`` they fail instead. ``TG_TEST_BASE_IMAGE`` names another base image.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import boto3
import docker
import pytest
from docker.errors import DockerException, ImageNotFound

from tests.aws_emulator import AwsEmulator, Registry, RegistryMissingError
from tests.daemon_turns import turn_at_the_daemon
from tests.integration.aws.backend_support import MLPROJECT, READY_NAME, TASKS, Job
from tests.integration.aws.support import BUCKET
from tests.support import ProjectFolder

SCRIPT_IMAGE = "tg-test-job-script:latest"
"""Runs the Python program that is encoded in the hyperparameter ``script``."""

_ENTRYPOINT = (
    "import base64, json; "
    "text = json.load(open('/opt/ml/input/config/hyperparameters.json'))['script']; "
    "exec(base64.b64decode(text))"
)


def give_up(reason: str) -> NoReturn:
    """Skips the test, or fails it where Docker is required."""
    if os.environ.get("TG_REQUIRE_DOCKER"):
        pytest.fail(f"TG_REQUIRE_DOCKER is set, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def docker_daemon() -> Iterator[docker.DockerClient]:
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        give_up(f"no Docker daemon answers: {error}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def base_image(docker_daemon: docker.DockerClient) -> str:
    name = os.environ.get("TG_TEST_BASE_IMAGE", "tg-test-base:latest")
    try:
        docker_daemon.images.get(name)
    except ImageNotFound:
        give_up(f"there is no image {name!r}; run .ci/docker-setup")
    return name


@pytest.fixture(scope="session")
def script_image(docker_daemon: docker.DockerClient, base_image: str) -> str:
    """An image of this daemon whose containers run a hyperparameter; it is kept for the next time."""
    labels = {"tg-test.base": docker_daemon.images.get(base_image).id, "tg-test.entrypoint": _ENTRYPOINT}
    if docker_daemon.images.list(filters={"reference": SCRIPT_IMAGE, "label": [f"{k}={v}" for k, v in labels.items()]}):
        return SCRIPT_IMAGE
    container = docker_daemon.containers.create(base_image, labels=labels)
    name, _, tag = SCRIPT_IMAGE.partition(":")
    container.commit(name, tag, conf={"Entrypoint": ["python3", "-u", "-c", _ENTRYPOINT]})
    container.remove()
    return SCRIPT_IMAGE


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One for all tests of this process: a layer that it has is pushed once."""
    try:
        registry = Registry(tmp_path_factory.mktemp("registry"))
    except RegistryMissingError as error:
        give_up(str(error))
    registry.start()
    yield registry
    registry.close()


@pytest.fixture
def daemon_turn(request: pytest.FixtureRequest) -> Iterator[None]:
    """Waits until this test may use the daemon, which it shares with those in the neighbouring folders."""
    with turn_at_the_daemon(request):
        yield


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[AwsEmulator], AwsEmulator]:
    """Points this process to an emulator with a bucket, and its jobs to a folder of the test."""

    def point(emulator: AwsEmulator) -> AwsEmulator:
        for name in [name for name in os.environ if name.startswith(("AWS_", "SAGEMAKER_"))]:
            monkeypatch.delenv(name)
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it would keep the last emulator's key
        monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
        emulator.create_bucket(BUCKET)
        return emulator

    return point


@pytest.fixture
def aws(
    daemon_turn: None,
    base_image: str,
    registry: Registry,
    enter: Callable[[AwsEmulator], AwsEmulator],
) -> Iterator[AwsEmulator]:
    """AWS with everything: a bucket, a role, ECR with a real registry, jobs in containers."""
    with AwsEmulator(stop_seconds=10, registry=registry) as emulator:
        yield enter(emulator)


@pytest.fixture
def make_simulated_aws(enter: Callable[[AwsEmulator], AwsEmulator]) -> Iterator[Callable[..., AwsEmulator]]:
    """Makes an AWS whose jobs are a function; no Docker is needed."""
    made: list[AwsEmulator] = []

    def make(run_job: Callable[..., int] = lambda request, write_line, is_stopped: 0, **options: Any) -> AwsEmulator:
        made.append(AwsEmulator(run_job, **options).__enter__())
        return enter(made[-1])

    yield make
    for emulator in made:
        emulator.__exit__(None, None, None)


@pytest.fixture
def job() -> Iterator[Job]:
    job = Job()
    yield job
    job.may_end.set()


@pytest.fixture
def small_project(project: ProjectFolder) -> ProjectFolder:
    """One whose jobs are functions, in an image that nobody looks at."""
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    # What a training costs comes into its run as time passes; tests of that switch it on.
    project.write("tg.json", json.dumps({"bucket": BUCKET, "image_uri": READY_NAME, "log": {"cost": False}}))
    return project


@pytest.fixture
def simulated_aws(
    make_simulated_aws: Callable[..., AwsEmulator], job: Job, monkeypatch: pytest.MonkeyPatch
) -> AwsEmulator:
    """AWS with a role, whose jobs are ``job``."""
    job.aws = make_simulated_aws(job)
    monkeypatch.setenv("AWS_ROLE", job.aws.role_arn)
    return job.aws
