"""Calls on an image's way to SageMaker: whatever becomes of one, no job is there without a run, and none is stopped."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docker import DockerClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import MLPROJECT
from tests.integration.docker.conftest import build_options
from tests.integration.seams.aws_scene import AwsJobs, AwsScene
from tests.integration.seams.docker_scene import copy_project, name_call, open_docker_seam
from tests.integration.seams.faults import Calls, Fault
from tests.integration.seams.walk import assert_nothing_is_lost, order_turns
from tests.support import ProjectFolder
from tg.common.delivery.delivery import ImageBuildOptions

__all__ = ["build_options"]

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class PushedTask(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            for step in range(5):
                environment.output_metric("loss", 1 / (step + 1), step)
            environment.store_artifact([], "weights", [1, 2, 3])


    def build_task():
        return PushedTask()
"""


class PushScene(AwsScene):
    """Trains on SageMaker, in an image that is pushed for each launcher; faults meet AWS and the daemon alike."""

    def find_project(self, folder: Path) -> Path:
        return copy_project(self._project, folder)

    @contextmanager
    def open_seam(self, folder: Path, calls: Calls) -> Iterator[dict[str, str]]:
        with (
            super().open_seam(folder, calls) as aws,
            open_docker_seam("/var/run/docker.sock", folder, calls, name_call) as daemon,
        ):
            yield {**aws, **daemon}


@pytest.fixture
def pushed(
    project: ProjectFolder,
    aws: AwsEmulator,
    base_image: str,
    build_options: ImageBuildOptions,
    docker_daemon: DockerClient,
) -> Iterator[ProjectFolder]:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    build = {
        "pip_index_url": build_options.pip_index_url,
        "pip_extra_index_urls": list(build_options.pip_extra_index_urls),
        "proxies": dict(build_options.proxies),
        "ca_bundle": None if build_options.ca_bundle is None else str(build_options.ca_bundle),
    }
    project.write("tg.json", json.dumps({"base_image": base_image, "build": build, "dataset": "points.parquet"}))
    yield project
    for image in docker_daemon.images.list("pushedtask"):
        docker_daemon.images.remove(str(image.id), force=True)


def test_nothing_is_lost_of_a_training_whose_image_is_pushed(
    pushed: ProjectFolder, aws: AwsEmulator, tmp_path: Path, empty_store: Path
) -> None:
    scene = PushScene(pushed.path, tmp_path, aws, AwsJobs(), empty_store)
    assert_nothing_is_lost(
        "tg-sagemaker: the push of the image",
        scene,
        lambda calls: order_turns(calls[1::3], [Fault.EVER, Fault.LOST]),
        re.compile(r"^ecr:|/push|distribution/|/tag").search,
    )
