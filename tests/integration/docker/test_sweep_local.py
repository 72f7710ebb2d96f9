"""Sweeps by ``mlflow run`` in containers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.integration.docker.swept_project import GRID, IMAGE, DaemonWatch, assert_six_trainings, family, write_sweep
from tests.launcher import Launcher
from tests.support import ProjectFolder
from tg.common.delivery.delivery import ImageBuildOptions
from tg.common.delivery.delivery.image.docker_client import DockerClient
from tg.common.delivery.delivery.image.image_builder import remove_image

PROJECT_LABEL = "tg-mlflow.project=points"
WAITING_TASKS = """
    import threading

    from tg.common.ml.training_core import AbstractTrainingTask


    class SweptTask(AbstractTrainingTask):
        def __init__(self, constant, splits):
            super().__init__()
            self.loss, self.waits = constant * splits, constant == 99

        def run_with_environment(self, data, environment):
            if self.waits:
                threading.Event().wait(600)
            environment.output_metric("loss", self.loss, 0)


    def build_task(constant: float, splits: int):
        return SweptTask(constant, splits)
"""


@pytest.fixture(autouse=True)
def no_image_is_kept(docker_client: DockerClient, nothing_is_left: None) -> Iterator[None]:
    """Removes the sweep's image."""
    yield
    for image in docker_client.images(IMAGE):
        remove_image(docker_client, image["Id"])


def test_six_trainings_of_one_image(
    project: ProjectFolder,
    store: MlflowClient,
    docker_client: DockerClient,
    base_image: str,
    build_options: ImageBuildOptions,
    tmp_path: Path,
) -> None:
    write_sweep(project, base_image, build_options)
    config = {"sweep": GRID, "max_parallel": 2, "primary_metric": "max_error_test", "mode": "min"}
    words = ("--backend-config", json.dumps(config))
    with DaemonWatch(PROJECT_LABEL) as watch, Launcher(project, "local", tmp_path, *words) as launcher:
        launcher.wait_for("[6/6] ")
        assert launcher.wait_for_end() == 0, launcher.output
        watch.wait_for_end(6)
    children = assert_six_trainings(store, "tg-local", tmp_path)
    (image,) = docker_client.images(IMAGE)
    assert {run.data.tags["tg.image_id"] for run in children} == {image["Id"]}
    assert [name for name in watch.images if name.startswith(IMAGE)] == image["RepoTags"]
    assert launcher.output.count(f"Building {IMAGE}:") == 1
    assert watch.most == 2
    assert list(launcher.jobs.iterdir()) == []
    assert list(launcher.temporary.iterdir()) == []


def test_ctrl_c_stops_all_containers(
    project: ProjectFolder,
    store: MlflowClient,
    base_image: str,
    build_options: ImageBuildOptions,
    tmp_path: Path,
) -> None:
    write_sweep(project, base_image, build_options)
    project.write("tasks.py", WAITING_TASKS)
    config = {"sweep": {"constant": [2, 99], "splits": [1, 2, 3]}, "max_parallel": 2}
    words = ("--backend-config", json.dumps(config))
    with DaemonWatch(PROJECT_LABEL) as watch, Launcher(project, "local", tmp_path, *words) as launcher:
        launcher.wait_for("[3/6] ")
        watch.wait_for_start(5)
        launcher.press_ctrl_c()
        assert launcher.wait_for_end() == 1, launcher.output
        watch.wait_for_end(5)
    parent, children = family(store)
    assert parent.info.status == "KILLED"
    assert {name: (run.info.status, run.data.metrics.get("loss")) for name, run in children.items()} == {
        "C2-S1": ("FINISHED", 2),
        "C2-S2": ("FINISHED", 4),
        "C2-S3": ("FINISHED", 6),
        "C99-S1": ("KILLED", None),
        "C99-S2": ("KILLED", None),
    }
    counts = {name: value for name, value in parent.data.metrics.items() if name.startswith("tg.sweep_")}
    assert counts == {"tg.sweep_finished": 3, "tg.sweep_failed": 0, "tg.sweep_killed": 2, "tg.sweep_not_started": 1}
    assert launcher.output.count(f"=== Run {parent.info.run_id} KILLED: it was interrupted ===\n") == 1
    assert "Traceback" not in launcher.output
    assert list(launcher.jobs.iterdir()) == []
    assert list(launcher.temporary.iterdir()) == []
