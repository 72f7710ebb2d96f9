"""A sweep in containers whose launcher is killed: what runs is recorded, the rest is trained in the same image."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.integration.docker.swept_project import IMAGE, DaemonWatch, family, write_sweep
from tests.launcher import Launcher, tg_mlflow
from tests.support import ProjectFolder
from tg.common.delivery.delivery import ImageBuildOptions
from tg.common.delivery.delivery.image.docker_client import DockerClient
from tg.common.delivery.delivery.image.image_builder import remove_image

pytestmark = pytest.mark.alone_with_docker  # all that is left of any project's containers is looked for

PROJECT_LABEL = "tg-mlflow.project=points"
GATE = "/tmp/gate"
STEPS = 20
WAIT_SECONDS = 60

TASKS = f"""
    import time
    from pathlib import Path

    from tg.common.ml.training_core import AbstractTrainingTask


    class SweptTask(AbstractTrainingTask):
        def __init__(self, constant):
            super().__init__()
            self.constant = constant

        def run_with_environment(self, data, environment):
            for step in range({STEPS}):
                while step == {STEPS // 2} and self.constant == 99 and not Path("{GATE}").exists():
                    time.sleep(0.02)
                environment.output_metric("loss", self.constant / (step + 1), step)


    def build_task(constant: float, splits: int):
        return SweptTask(constant)
"""


@pytest.fixture
def swept(
    project: ProjectFolder, docker_client: DockerClient, base_image: str, build_options: ImageBuildOptions
) -> Iterator[ProjectFolder]:
    """A project whose training with 99 waits in its middle; none of its containers is there afterwards."""
    write_sweep(project, base_image, build_options, dataset=None)  # the folder with the data is to go, too
    project.write("tasks.py", TASKS)
    yield project
    left = docker_client.containers(all=True, filters={"label": PROJECT_LABEL})
    for each in left:
        docker_client.remove_container(each["Id"], v=True, force=True)
    for image in docker_client.images(IMAGE):
        remove_image(docker_client, image["Id"])
    assert [each["Names"] for each in left] == []


def read_points(store: MlflowClient, run: Run) -> list[tuple[int, float]]:
    return sorted((point.step, point.value) for point in store.get_metric_history(run.info.run_id, "loss"))


def expect_points(constant: int, steps: int = STEPS) -> list[tuple[int, float]]:
    return [(step, constant / (step + 1)) for step in range(steps)]


def start_and_kill(project: ProjectFolder, store: MlflowClient, folder: Path) -> None:
    """Kills the launcher of C1, C99 and C2, one at a time, in the middle of C99."""
    config = {"sweep": {"constant": [1, 99, 2]}, "max_parallel": 1, "primary_metric": "loss", "mode": "min"}
    with Launcher(project, "local", folder, "--backend-config", json.dumps(config)) as launcher:
        launcher.wait_for("[1/3] C1 FINISHED")
        deadline = time.monotonic() + WAIT_SECONDS
        while not (run := family(store)[1].get("C99")) or read_points(store, run) != expect_points(99, STEPS // 2):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        launcher.kill()


def test_a_sweep_whose_launcher_and_project_are_gone_is_resumed(
    swept: ProjectFolder, store: MlflowClient, docker_client: DockerClient, tmp_path: Path
) -> None:
    with DaemonWatch(PROJECT_LABEL) as watch:
        start_and_kill(swept, store, tmp_path)
        parent, before = family(store)
        job_id = before["C99"].data.tags["tg.job_id"]
        # As if the launcher had been killed between the creation and the start of the container of C2.
        (image,) = docker_client.images(IMAGE)
        docker_client.create_container(image["Id"], name="points-stuck", labels=["tg-test.stuck"])
        (tmp_path / "jobs" / "points-stuck").mkdir()
        stuck = {"tg.sweep_name": "C2", "tg.place": "tg-local", "tg.job_id": "points-stuck", "tg.state": "{}"}
        run_id = store.create_run(
            parent.info.experiment_id, tags={"mlflow.parentRunId": parent.info.run_id, **stuck}, run_name="stuck"
        ).info.run_id
        shutil.rmtree(swept.path)
        opening = docker_client.exec_create(job_id, ["touch", GATE])
        docker_client.exec_start(opening["Id"])
        done = tg_mlflow(tmp_path, "attach", parent.info.run_id)
        assert done.returncode == 0, done.stderr
        assert "of 3 trainings, 1 have ended and 1 go on" in done.stderr
        watch.wait_for_end(3)
    parent, after = family(store)
    assert store.get_run(run_id).info.status == "KILLED"
    assert after.pop("stuck").info.run_id == run_id
    assert docker_client.containers(all=True, filters={"name": "points-stuck"}) == []
    assert {name: after[name].info.run_id for name in before} == {name: run.info.run_id for name, run in before.items()}
    assert after["C99"].data.tags["tg.job_id"] == job_id
    for name, constant in (("C1", 1), ("C99", 99), ("C2", 2)):
        assert (after[name].info.status, read_points(store, after[name])) == ("FINISHED", expect_points(constant))
        paths = {each.path for each in store.list_artifacts(after[name].info.run_id)}
        assert paths >= {"logs", "package", "result", "task.json"}
    assert (parent.info.status, parent.data.tags["tg.best_name"]) == ("FINISHED", "C1")
    assert parent.data.metrics["tg.sweep_finished"] == 3
    assert [name for name in watch.images if name.startswith(IMAGE)] == image["RepoTags"]  # which was built once
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_sweep_whose_launcher_is_gone_is_stopped(
    swept: ProjectFolder, store: MlflowClient, docker_client: DockerClient, tmp_path: Path
) -> None:
    start_and_kill(swept, store, tmp_path)
    done = tg_mlflow(tmp_path, "cancel", family(store)[0].info.run_id)
    assert done.returncode == 0, done.stderr
    parent, children = family(store)
    statuses = {name: run.info.status for name, run in children.items()}
    assert (parent.info.status, statuses) == ("KILLED", {"C1": "FINISHED", "C99": "KILLED"})
    assert docker_client.containers(all=True, filters={"label": PROJECT_LABEL}) == []
    assert [each for each in (tmp_path / "jobs").iterdir()] == []
