"""Calls to the Docker daemon: whatever becomes of one, nothing is lost without a word, no healthy job is stopped."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.seams.docker_scene import DockerScene
from tests.integration.seams.faults import Fault, OrderedFault
from tests.integration.seams.later import WAITING_TASKS, AttachScene, CancelScene
from tests.integration.seams.walk import assert_nothing_is_lost, order_turns
from tests.support import ProjectFolder
from tg.common.delivery.delivery import ImageBuildOptions
from tg.common.delivery.delivery.image.docker_client import DockerClient

TASKS = """
    import time

    from tg.common.ml.training_core import AbstractTrainingTask


    class SeamsTask(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            for step in range(5):
                environment.output_metric("loss", 1 / (step + 1), step)
                time.sleep(0.2)
            environment.store_artifact([], "weights", [1, 2, 3])


    def build_task():
        return SeamsTask()
"""
SOCKET = "/var/run/docker.sock"
MLPROJECT = """
    name: points
    entry_points:
      main:
        command: "tg-mlflow train tasks:build_task"
"""


@pytest.fixture
def seams(
    project: ProjectFolder, docker_client: DockerClient, base_image: str, build_options: ImageBuildOptions
) -> Iterator[ProjectFolder]:
    """A project whose images are made on this machine, and removed at the end."""
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    build = {
        "pip_index_url": build_options.pip_index_url,
        "pip_extra_index_urls": list(build_options.pip_extra_index_urls),
        "proxies": dict(build_options.proxies),
        "ca_bundle": None if build_options.ca_bundle is None else str(build_options.ca_bundle),
    }
    config = {"base_image": base_image, "build": build, "dataset": "points.parquet"}
    project.write("tg.json", json.dumps(config))
    yield project
    for image in docker_client.images("seamstask"):
        docker_client.remove_image(image["Id"], force=True)


def test_nothing_is_lost_of_a_training_in_a_container(
    seams: ProjectFolder, tmp_path: Path, empty_store: Path, docker_client: DockerClient
) -> None:
    scene = DockerScene(seams.path, tmp_path, empty_store, docker_client, SOCKET)
    turns = [Fault.LOST, Fault.EVER, Fault.ONCE, Fault.HANGS]
    with closing(scene):
        assert_nothing_is_lost("tg-local: Docker is away", scene, lambda calls: order_turns(calls[::3], turns))


class AttachToDocker(AttachScene, DockerScene):
    """Attaches where Docker is away."""


class CancelAtDocker(CancelScene, DockerScene):
    """Cancels where Docker is away."""


def test_nothing_is_lost_by_attach(
    seams: ProjectFolder, tmp_path: Path, empty_store: Path, docker_client: DockerClient
) -> None:
    detach(seams)
    scene = AttachToDocker(seams.path, tmp_path, empty_store, docker_client, SOCKET)
    with closing(scene):
        assert_nothing_is_lost(
            "tg-mlflow attach: Docker is away", scene, lambda calls: [OrderedFault(Fault.ONCE, None)]
        )


def test_nothing_is_lost_by_cancel(
    seams: ProjectFolder, tmp_path: Path, empty_store: Path, docker_client: DockerClient
) -> None:
    detach(seams)
    seams.write("tasks.py", WAITING_TASKS.replace("Small", "SeamsTask"))
    scene = CancelAtDocker(seams.path, tmp_path, empty_store, docker_client, SOCKET)
    with closing(scene):
        assert_nothing_is_lost(
            "tg-mlflow cancel: Docker is away",
            scene,
            lambda calls: [OrderedFault(Fault.ONCE, None)],
            word="KILLED, whole",
        )


def detach(project: ProjectFolder) -> None:
    """Lets commands leave their jobs to others."""
    config = json.loads((project.path / "tg.json").read_text())
    project.write("tg.json", json.dumps({**config, "detach": True}))
