"""Ctrl-C and SIGTERM at each stage of ``mlflow run`` in this process and in a child process."""

import json
import threading
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.failing_proxy import FailingProxy
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
from tests.tracking_server import TrackingServer

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


    class Task(AbstractTrainingTask):
        def __getstate__(self):
            stay("packaging")
            return self.__dict__

        def run_with_environment(self, data, environment):
            if STAGE == "deaf training":
                signal.signal(signal.SIGTERM, lambda *_: None)
            try:
                environment.output_metric("loss", 0.5, 0)
                if "training" in STAGE:
                    environment.log(f"at {{STAGE}}")
                    threading.Event().wait(600)
            finally:
                if STAGE == "slow end of training":
                    environment.log("at its end")
                    threading.Event().wait(600)


    def build_task():
        stay("factory")
        return Task()
"""

MLPROJECT = """
    name: points
    entry_points:
      main:
        command: "tg-mlflow train tasks:build_task"
"""


def stay_at(project: ProjectFolder, stage: str) -> ProjectFolder:
    project.write("tasks.py", TASKS.format(stage=stage))
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")
    return project


@pytest.mark.parametrize(
    ("place", "stage"),
    [
        ("attached", "factory"),
        ("attached", "packaging"),
        ("attached", "training"),
        ("process", "packaging"),
        ("process", "start"),
        ("process", "training"),
    ],
)
def test_ctrl_c_leaves_a_killed_run_and_nothing_running(
    project: ProjectFolder, store: MlflowClient, tmp_path: Path, place: str, stage: str
) -> None:
    with Launcher(stay_at(project, stage), place, tmp_path) as launcher:
        launcher.wait_for(f"at {stage}")
        launcher.press_ctrl_c()
        run = assert_killed(launcher, store)
    if stage == "training":
        assert [(point.step, point.value) for point in store.get_metric_history(run.info.run_id, "loss")] == [(0, 0.5)]
        assert [each.path for each in store.list_artifacts(run.info.run_id)] == ["environment.json", "logs", "package"]


@pytest.mark.parametrize(
    ("place", "stage"), [("attached", "training"), ("process", "packaging"), ("process", "training")]
)
def test_sigterm_does_the_same(
    project: ProjectFolder, store: MlflowClient, tmp_path: Path, place: str, stage: str
) -> None:
    with Launcher(stay_at(project, stage), place, tmp_path) as launcher:
        launcher.wait_for(f"at {stage}")
        launcher.terminate()
        assert_killed(launcher, store)


def test_a_second_ctrl_c_takes_the_grace_from_a_child_process(
    project: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(stay_at(project, "deaf training"), "process", tmp_path) as launcher:
        launcher.wait_for("at deaf training")
        launcher.press_ctrl_c()
        assert launcher.wait_for("Stopping job").endswith("; press Ctrl-C again not to wait for it\n")
        launcher.press_ctrl_c_again()
        assert_killed(launcher, store)


def test_another_process_gives_a_job_the_time_to_stop_that_its_own_configuration_says(
    project: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    words = ["--backend-config", '{"stop_grace_seconds": 0.5}']
    with Launcher(stay_at(project, "deaf training"), "process", tmp_path, *words) as launcher:
        launcher.wait_for("at deaf training")
        launcher.kill()
    (run,) = all_runs(store)
    assert json.loads(run.data.tags["tg.state"])["place_options"] == {"stop_grace_seconds": 0.5}
    begun = time.monotonic()
    cancelled = tg_mlflow(tmp_path, "cancel", run.info.run_id)
    assert cancelled.returncode == 0, cancelled.stderr
    assert time.monotonic() - begun < 60  # not the two minutes that are usual
    assert store.get_run(run.info.run_id).info.status == "KILLED"
    assert list(launcher.jobs.iterdir()) == []


def test_a_second_ctrl_c_cuts_short_what_a_task_here_does_at_its_end(
    project: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(stay_at(project, "slow end of training"), "attached", tmp_path) as launcher:
        launcher.wait_for("at slow end of training")
        launcher.press_ctrl_c()
        launcher.wait_for("at its end")
        launcher.press_ctrl_c_again()
        assert_killed(launcher, store)


@pytest.mark.parametrize("place", ["attached", "process"])
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_during_the_upload_keeps_the_results_for_later(
    project: ProjectFolder,
    store: MlflowClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    presses: int,
) -> None:
    with HoldingArtifactStore("model.tar.gz") as artifacts:
        monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", record_at(store, artifacts))
        with Launcher(stay_at(project, "nowhere"), place, tmp_path) as launcher:
            assert artifacts.is_asked.wait(60)
            for _ in range(presses):
                launcher.press_ctrl_c()
            run = assert_killed(launcher, store, keeps_job=True)
        assert {"task.json", "train.log"} <= set(artifacts.taken)
        assert "model.tar.gz" not in artifacts.taken
        command = f"`tg-mlflow attach {run.info.run_id}`"
        advice = f"the results are not uploaded (it was interrupted); they are kept: run {command}"
        assert run.data.tags["tg.not_uploaded"].startswith(advice)
        assert launcher.output.count(advice) == 1
        artifacts.goes_on.set()
        result = attach(run.info.run_id, tmp_path)
    assert result.returncode == 0, result.stderr
    assert "model.tar.gz" in artifacts.taken
    run = store.get_run(run.info.run_id)
    assert run.info.status == "FINISHED"
    assert "tg.not_uploaded" not in run.data.tags
    assert [(point.step, point.value) for point in store.get_metric_history(run.info.run_id, "loss")] == [(0, 0.5)]
    assert list((tmp_path / "jobs").iterdir()) == []


class HoldingProxy(FailingProxy):
    """Holds back the first request of a kind until it is told otherwise."""

    def __init__(self, uri: str, kind: str) -> None:
        super().__init__(uri, lambda path: path.endswith(kind))
        self.is_asked = threading.Event()
        self.goes_on = threading.Event()

    def _decide(self, path: str) -> str:
        if self._concerns(path):
            self.is_asked.set()
            self.goes_on.wait(END_SECONDS)
        return "passed"


@pytest.mark.parametrize(
    ("kind", "is_sweep"),
    [
        ("/runs/create", False),
        ("/runs/create", True),
        ("/runs/set-tag", False),
        ("/runs/set-tag", True),
        ("/runs/log-batch", False),
    ],
)
def test_a_signal_during_the_first_requests(
    project: ProjectFolder,
    sqlite_server: TrackingServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    is_sweep: bool,
) -> None:
    """The run is not there yet, and no other process knows whose it is, when the launcher is told to stop."""
    stay_at(project, "training")
    config = {"hyperparameters": {}, **({"sweep": {"info.one": [1, 2]}} if is_sweep else {})}
    with HoldingProxy(sqlite_server.uri, kind) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.uri)
        words = ("--backend-config", json.dumps(config))
        with Launcher(project, "process", tmp_path, *words) as launcher:
            assert proxy.is_asked.wait(END_SECONDS)
            if kind == "/runs/set-tag":
                launcher.press_ctrl_c()
            else:
                launcher.terminate()
            proxy.goes_on.set()
            assert_killed(launcher, MlflowClient(sqlite_server.uri))
