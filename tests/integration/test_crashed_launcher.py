"""A launcher that crashes with its training leaves no run RUNNING, and two that take over one run record it once."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.launcher import BIN, Launcher, tg_mlflow, wait_until
from tests.support import ProjectFolder, all_runs
from tests.warm import WarmPopen

pytestmark = pytest.mark.starts_process

TASKS = """
    import ctypes
    import os
    import signal
    import time
    from pathlib import Path

    from tg.common.ml.training_core import AbstractTrainingTask

    ENDS = {
        "exit": lambda: os._exit(0),
        "crash": lambda: ctypes.string_at(0),
        "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    }


    class Ending(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            environment.output_metric("loss", 0.5, 0)
            environment.log("the last words")
            if "END" in os.environ:
                ENDS[os.environ["END"]]()
            while not Path(os.environ["GATE"]).exists():
                time.sleep(0.02)
            environment.output_metric("loss", 0.25, 1)


    def build_task():
        return Ending()
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        command: "tg-mlflow train tasks:build_task"
"""


@pytest.fixture
def ending(project: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    monkeypatch.setenv("GATE", str(tmp_path / "gate"))
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")
    return project


@pytest.mark.parametrize("end", ["exit", "crash", "kill"])
def test_the_next_command_settles_a_training_that_took_its_launcher_along(
    ending: ProjectFolder, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setenv("END", end)
    with Launcher(ending, "attached", tmp_path) as launcher:
        launcher.process.communicate()
    (run,) = all_runs(store)
    assert run.info.status == "RUNNING"
    done = tg_mlflow(tmp_path, "status", run.info.run_id)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith(f"run {run.info.run_id} FAILED: ")
    said = f"Process {launcher.process.pid} ended in the middle of run {run.info.run_id}, which is FAILED now"
    assert said in done.stderr
    run = store.get_run(run.info.run_id)
    assert "its process ended in the middle, as after a crash, os._exit" in run.data.tags["tg.failure_reason"]
    assert run.data.metrics == {"loss": 0.5}
    assert "the last words\n" in Path(store.download_artifacts(run.info.run_id, "logs/train.log")).read_text()
    assert sorted(each.path for each in store.list_artifacts(run.info.run_id)) == [
        "environment.json",
        "logs",
        "package",
    ]
    assert list((tmp_path / "jobs").iterdir()) == []
    assert not (tmp_path / "jobs-launchers").exists()


def test_two_that_take_over_at_once_record_it_once(
    ending: ProjectFolder, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Launcher(ending, "process", tmp_path) as launcher:
        wait_until(lambda: any("loss" in run.data.metrics for run in all_runs(store)))
        launcher.process.send_signal(signal.SIGKILL)
        launcher.process.communicate()
    (run,) = all_runs(store)
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    command = [str(BIN / "tg-mlflow"), "attach", run.info.run_id]
    both = [
        WarmPopen(command, env={**os.environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    wait_until(lambda: any(each.poll() is not None for each in both))  # one is refused while the job goes on
    (tmp_path / "gate").touch()
    said = [each.communicate()[1] for each in both]
    assert sorted(each.returncode for each in both) == [0, 1], said
    refused = next(text for each, text in zip(both, said, strict=True) if each.returncode == 1)
    other = next(each.pid for each in both if each.returncode == 0)
    assert f"run '{run.info.run_id}' is recorded by process {other} now; wait for it, or stop it" in refused
    points = store.get_metric_history(run.info.run_id, "loss")
    assert [(point.step, point.value) for point in points] == [(0, 0.5), (1, 0.25)]
    assert store.get_run(run.info.run_id).info.status == "FINISHED"
    assert list((tmp_path / "jobs").iterdir()) == []
