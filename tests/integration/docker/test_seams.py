"""Calls to the Docker daemon: whatever becomes of one, nothing is lost without a word, no healthy job is stopped."""

import json
from pathlib import Path

from tests.integration.seams.docker_scene import DockerScene
from tests.integration.seams.faults import Fault
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
MLPROJECT = """
    name: points
    entry_points:
      main:
        command: "tg-mlflow train tasks:build_task"
"""


def test_nothing_is_lost_of_a_training_in_a_container(
    project: ProjectFolder,
    tmp_path: Path,
    empty_store: Path,
    docker_client: DockerClient,
    base_image: str,
    build_options: ImageBuildOptions,
) -> None:
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
    scene = DockerScene(project.path, tmp_path, empty_store, docker_client, "/var/run/docker.sock")
    try:
        turns = [Fault.LOST, Fault.EVER, Fault.ONCE, Fault.HANGS]
        assert_nothing_is_lost("tg-local: Docker is away", scene, lambda calls: order_turns(calls[::3], turns))
    finally:
        scene.clear_away()
        for image in docker_client.images("seamstask"):
            docker_client.remove_image(image["Id"], force=True)
