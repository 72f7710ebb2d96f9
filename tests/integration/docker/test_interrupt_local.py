"""Ctrl-C and SIGTERM at each stage of ``mlflow run`` in a container."""

import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.launcher import (
    END_SECONDS,
    HoldingArtifactStore,
    Launcher,
    assert_killed,
    attach,
    record_at,
    tg_mlflow,
)
from tests.support import ProjectFolder, all_runs
from tg.common.delivery.delivery import ImageBuildOptions
from tg.common.delivery.delivery.image.docker_client import DockerClient

pytestmark = pytest.mark.usefixtures("nothing_is_left")

# Says where it stands, and stays there.
TASKS = """
    import signal
    import threading

    from tg.common.ml.training_core import AbstractTrainingTask

    STAGE = "{stage}"


    def stay(stage):
        if stage == STAGE:
            print(f"at {{stage}}", flush=True)
            threading.Event().wait(600)


    if __name__ != "tasks":  # in the job, where modules have names of their own
        stay("start")


    class InterruptedTask(AbstractTrainingTask):
        def __getstate__(self):
            stay("packaging")
            return self.__dict__

        def run_with_environment(self, data, environment):
            if STAGE == "deaf training":
                signal.signal(signal.SIGTERM, lambda *_: None)
            environment.output_metric("loss", 0.5, 0)
            if "training" in STAGE:
                environment.log(f"at {{STAGE}}")
                threading.Event().wait(600)


    def build_task():
        return InterruptedTask()
"""

MLPROJECT = """
    name: points
    entry_points:
      main:
        command: "tg-mlflow train tasks:build_task"
"""


class SilentIndex:
    """A package index that takes connections and never answers."""

    def __init__(self) -> None:
        self.is_asked = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/simple"

    def _accept(self) -> None:
        while True:
            try:
                self._connections.append(self._socket.accept()[0])
            except OSError:
                return  # it is closed
            self.is_asked.set()

    def __enter__(self) -> "SilentIndex":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for connection in self._connections:
            connection.close()


@pytest.fixture
def stay_at(project: ProjectFolder, base_image: str, build_options: ImageBuildOptions) -> Callable[..., ProjectFolder]:
    """Writes a project that stays at some stage; ``build`` takes the place of this machine's build options."""

    def write(stage: str, build: dict[str, Any] | None = None) -> ProjectFolder:
        usual = {
            "pip_index_url": build_options.pip_index_url,
            "pip_extra_index_urls": list(build_options.pip_extra_index_urls),
            "proxies": dict(build_options.proxies),
            "ca_bundle": None if build_options.ca_bundle is None else str(build_options.ca_bundle),
        }
        project.write("tasks.py", TASKS.format(stage=stage))
        project.write("MLproject", MLPROJECT)
        project.write("tg.json", json.dumps({"base_image": base_image, "build": build or usual}))
        return project

    return write


def wait_for_event(client: DockerClient, action: str) -> Callable[[], None]:
    """Listens for what the daemon does; returns a function that waits until it has done ``action``."""
    events = client.events(decode=True)
    found = threading.Event()

    def listen() -> None:
        for event in events:
            if event.get("Type") == "container" and event["Action"] == action:
                found.set()
                break

    threading.Thread(target=listen, daemon=True).start()

    def wait() -> None:
        assert found.wait(END_SECONDS)
        events.close()

    return wait


@pytest.mark.parametrize("stage", ["packaging", "start", "training"])
def test_ctrl_c_leaves_a_killed_run_and_nothing_running(
    stay_at: Callable[..., ProjectFolder], store: MlflowClient, tmp_path: Path, stage: str
) -> None:
    with Launcher(stay_at(stage), "local", tmp_path) as launcher:
        launcher.wait_for(f"at {stage}")
        launcher.press_ctrl_c()
        run = assert_killed(launcher, store)
    if stage == "training":
        assert [(point.step, point.value) for point in store.get_metric_history(run.info.run_id, "loss")] == [(0, 0.5)]
        assert [each.path for each in store.list_artifacts(run.info.run_id)] == ["environment.json", "logs", "package"]


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_while_the_image_is_built(
    stay_at: Callable[..., ProjectFolder],
    store: MlflowClient,
    docker_client: DockerClient,
    tmp_path: Path,
    presses: int,
) -> None:
    images = {each["Id"] for each in docker_client.images(all=True)}
    with SilentIndex() as index:
        build = {"network": "host", "pip_index_url": index.url}
        with Launcher(stay_at("nowhere", build), "local", tmp_path) as launcher:
            assert index.is_asked.wait(END_SECONDS)
            for _ in range(presses):
                launcher.press_ctrl_c()
            assert_killed(launcher, store)
    assert {each["Id"] for each in docker_client.images(all=True)} == images


def test_ctrl_c_between_the_steps_of_a_build(
    stay_at: Callable[..., ProjectFolder], store: MlflowClient, docker_client: DockerClient, tmp_path: Path
) -> None:
    images = {each["Id"] for each in docker_client.images(all=True)}
    with SilentIndex() as index:
        build = {"network": "host", "pip_index_url": index.url}
        with Launcher(stay_at("nowhere", build), "local", tmp_path) as launcher:
            launcher.wait_for("Building tg-dependencies:")
            launcher.press_ctrl_c()
            assert_killed(launcher, store)
    assert {each["Id"] for each in docker_client.images(all=True)} == images


@pytest.mark.parametrize("action", ["create", "start"])
def test_ctrl_c_as_soon_as_there_is_a_container(
    stay_at: Callable[..., ProjectFolder], store: MlflowClient, docker_client: DockerClient, tmp_path: Path, action: str
) -> None:
    wait = wait_for_event(docker_client, action)
    with Launcher(stay_at("training"), "local", tmp_path) as launcher:
        wait()
        launcher.press_ctrl_c()
        assert_killed(launcher, store)


def test_a_second_ctrl_c_takes_the_grace_from_a_container(
    stay_at: Callable[..., ProjectFolder], store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(stay_at("deaf training"), "local", tmp_path) as launcher:
        launcher.wait_for("at deaf training")
        launcher.press_ctrl_c()
        launcher.wait_for("Stopping job")
        launcher.press_ctrl_c_again()
        assert_killed(launcher, store)


def test_sigterm_does_the_same(stay_at: Callable[..., ProjectFolder], store: MlflowClient, tmp_path: Path) -> None:
    with Launcher(stay_at("training"), "local", tmp_path) as launcher:
        launcher.wait_for("at training")
        launcher.terminate()
        assert_killed(launcher, store)


def test_cancel_does_the_same(stay_at: Callable[..., ProjectFolder], store: MlflowClient, tmp_path: Path) -> None:
    with Launcher(stay_at("training"), "local", tmp_path) as launcher:
        launcher.wait_for("at training")
        (run,) = all_runs(store)
        done = tg_mlflow(tmp_path, "cancel", run.info.run_id)
        assert done.returncode == 0, done.stderr
        assert_killed(launcher, store)


def test_a_launcher_elsewhere_sees_that_its_container_was_cancelled(
    stay_at: Callable[..., ProjectFolder], store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(stay_at("training"), "local", tmp_path) as launcher:
        launcher.wait_for("at training")
        (run,) = all_runs(store)
        # As on another machine that uses the same daemon: nobody sees there whether the launcher lives.
        store.set_tag(run.info.run_id, "tg.launcher", json.dumps({"host": "another"}))
        os.kill(launcher.process.pid, signal.SIGSTOP)
        done = tg_mlflow(tmp_path / "another", "cancel", run.info.run_id)
        os.kill(launcher.process.pid, signal.SIGCONT)
        assert done.returncode == 0, done.stderr
        assert launcher.wait_for_end() == 1, launcher.output
    assert f"Run {run.info.run_id} KILLED: another process has ended the run meanwhile (" in launcher.output
    assert "could not be stopped" not in launcher.output
    assert store.get_run(run.info.run_id).info.status == "KILLED"
    assert list((tmp_path / "jobs").iterdir()) == []


def test_ctrl_c_during_the_upload_keeps_the_results_for_later(
    stay_at: Callable[..., ProjectFolder],
    store: MlflowClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    docker_client: DockerClient,
) -> None:
    with HoldingArtifactStore("model.tar.gz") as artifacts:
        monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", record_at(store, artifacts))
        with Launcher(stay_at("nowhere"), "local", tmp_path) as launcher:
            assert artifacts.is_asked.wait(END_SECONDS)
            launcher.press_ctrl_c()
            run = assert_killed(launcher, store, keeps_job=True)
        assert docker_client.containers(all=True, filters={"name": run.data.tags["tg.job_id"]}) == []
        artifacts.goes_on.set()
        result = attach(run.info.run_id, tmp_path)
    assert result.returncode == 0, result.stderr
    assert "model.tar.gz" in artifacts.taken
    assert store.get_run(run.info.run_id).info.status == "FINISHED"
    assert list((tmp_path / "jobs").iterdir()) == []
