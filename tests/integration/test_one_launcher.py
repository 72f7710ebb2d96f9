"""One process at a time records a run: what others may do meanwhile, and what becomes of those that cannot be seen."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.launcher import BIN, END_SECONDS, Launcher, assert_killed, processes_that_name, tg_mlflow, wait_until
from tests.support import ProjectFolder, all_runs
from tests.warm import WarmPopen
from tg_mlflow.sweeps.reconciliation import reconcile_runs
from tg_mlflow.sweeps.resume import resume_sweep
from tg_mlflow.takeover.cancellation import cancel
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import launching, read_launcher

# Trains until the file `gate` is there, and says where it stands.
TASKS = """
    import os
    import time
    from pathlib import Path

    from tg.common.ml.training_core import AbstractTrainingTask


    def wait(stage):
        if os.environ["STAGE"] == stage:
            print(f"at {stage}", flush=True)
            while not Path(os.environ["GATE"]).exists():
                time.sleep(0.02)


    class Gated(AbstractTrainingTask):
        def __getstate__(self):
            wait("packaging")
            return self.__dict__

        def run_with_environment(self, data, environment):
            environment.output_metric("loss", 0.5, 0)
            environment.log("the secret is hunter2-hunter2")
            wait("training")
            environment.output_metric("loss", 0.25, 1)


    def build_task():
        return Gated()
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        command: "tg-mlflow train tasks:build_task"
"""


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Trainings end when this file is there."""
    return tmp_path / "gate"


@pytest.fixture
def gated(project: ProjectFolder, gate: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    monkeypatch.setenv("GATE", str(gate))
    monkeypatch.setenv("STAGE", "training")
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")
    return project


def the_run(store: MlflowClient) -> Run:
    (run,) = all_runs(store)
    return run


def wait_for_metric(store: MlflowClient) -> str:
    wait_until(lambda: any("loss" in run.data.metrics for run in all_runs(store)))
    return str(the_run(store).info.run_id)


def move_launcher_away(store: MlflowClient, run_id: str) -> None:
    """Lets the launcher be one of another machine, where nobody sees from here whether it lives."""
    launcher = json.loads(store.get_run(run_id).data.tags["tg.launcher"])
    Path(f"{launcher['jobs']}-launchers", run_id).unlink()
    store.set_tag(run_id, "tg.launcher", json.dumps({**launcher, "host": "another"}))


def test_what_the_launcher_records_nobody_else_does(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(gated, "process", tmp_path) as launcher:
        run_id = wait_for_metric(store)
        os.kill(launcher.process.pid, signal.SIGSTOP)
        gate.touch()
        wait_until(lambda: processes_that_name(tmp_path / "jobs") == [])
        status = tg_mlflow(tmp_path, "status", run_id).stdout.splitlines()
        reconciled = tg_mlflow(tmp_path, "reconcile").stdout
        attached = tg_mlflow(tmp_path, "attach", run_id)
        os.kill(launcher.process.pid, signal.SIGCONT)
        assert launcher.wait_for_end() == 0, launcher.output
    message = (
        f"run '{run_id}' is recorded by process {launcher.process.pid} now; wait for it, or stop it with "
        f"`tg-mlflow cancel {run_id}`"
    )
    assert status[0] == f"run {run_id} RUNNING"
    assert status[1].endswith(" completed")
    assert status[2:] == [f"process {launcher.process.pid} records it"]
    assert f"{run_id}  left alone: {message}" in reconciled
    assert (attached.returncode, attached.stderr.count("\n")) == (1, 1)
    assert message in attached.stderr
    assert the_run(store).info.status == "FINISHED"
    assert [(point.step, point.value) for point in store.get_metric_history(run_id, "loss")] == [(0, 0.5), (1, 0.25)]
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.parametrize(
    ("place", "stage", "ignores_ctrl_c"),
    [
        ("attached", "training", False),
        ("attached", "training", True),
        ("process", "training", False),
        ("process", "packaging", True),
    ],
)
def test_cancel_stops_a_run_through_its_launcher(
    gated: ProjectFolder,
    store: MlflowClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    stage: str,
    ignores_ctrl_c: bool,
) -> None:
    monkeypatch.setenv("STAGE", stage)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if ignores_ctrl_c else None  # as in a shell's background
    with Launcher(gated, place, tmp_path) as launcher:
        if before is not None:
            signal.signal(signal.SIGINT, before)
        launcher.wait_for(f"at {stage}")
        run_id = the_run(store).info.run_id
        done = tg_mlflow(tmp_path, "cancel", run_id)
        assert done.returncode == 0, done.stderr
        assert f"Run {run_id} is KILLED" in done.stderr
        assert_killed(launcher, store)


def test_a_training_in_a_thread_is_stopped_by_its_job(
    gated: ProjectFolder, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    ended: list[Any] = []

    def train() -> None:
        ended.append(mlflow.projects.run(str(gated.path), backend="tg-process", synchronous=False))

    thread = threading.Thread(target=train)
    thread.start()
    run_id = wait_for_metric(store)
    done = tg_mlflow(tmp_path, "cancel", run_id)
    thread.join(END_SECONDS)
    assert done.returncode == 0, done.stderr
    assert f"Run {run_id} is KILLED" in done.stderr
    assert [run.get_status() for run in ended] == ["KILLED"]
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_training_in_a_thread_that_has_no_job_yet_is_stopped_when_it_has_one(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    monkeypatch.setenv("STAGE", "packaging")
    gated.write("tasks.py", TASKS.replace('wait("training")', "time.sleep(600)"))
    train = partial(mlflow.projects.run, str(gated.path), backend="tg-process", synchronous=False)
    thread = threading.Thread(target=train, daemon=True)
    thread.start()
    wait_until(lambda: any("tg.launcher" in run.data.tags for run in all_runs(store)))
    run_id = the_run(store).info.run_id
    command = [str(BIN / "tg-mlflow"), "cancel", run_id]
    with WarmPopen(command, stderr=subprocess.PIPE, text=True) as cancelling:
        assert cancelling.stderr is not None
        said = next(line for line in cancelling.stderr if "mlflow.tg_mlflow: " in line)
        gate.touch()
        thread.join(END_SECONDS)
        cancelling.communicate(timeout=END_SECONDS)
    assert f"Run {run_id} has no job yet, which is stopped when it has begun" in said
    assert (cancelling.returncode, the_run(store).info.status) == (0, "KILLED")
    assert list((tmp_path / "jobs").iterdir()) == []


def test_cancel_stops_a_run_that_attach_has_taken_over(
    gated: ProjectFolder, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Launcher(gated, "process", tmp_path) as launcher:
        run_id = wait_for_metric(store)
        launcher.kill()
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    with WarmPopen([str(BIN / "tg-mlflow"), "attach", run_id], stderr=subprocess.PIPE) as attaching:
        wait_until(lambda: json.loads(the_run(store).data.tags["tg.launcher"]).get("pid") == attaching.pid)
        done = tg_mlflow(tmp_path, "cancel", run_id)
        attaching.communicate(timeout=END_SECONDS)
    assert done.returncode == 0, done.stderr
    assert f"Waiting for process {attaching.pid}, which records the run, to end it" in done.stderr
    assert the_run(store).info.status == "KILLED"
    assert processes_that_name(tmp_path / "jobs") == []
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_launcher_elsewhere_sees_that_its_run_was_cancelled(
    gated: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(gated, "process", tmp_path) as launcher:
        run_id = wait_for_metric(store)
        move_launcher_away(store, run_id)
        os.kill(launcher.process.pid, signal.SIGSTOP)
        status = tg_mlflow(tmp_path / "another", "status", run_id)
        done = tg_mlflow(tmp_path, "cancel", run_id)
        os.kill(launcher.process.pid, signal.SIGCONT)
        assert done.returncode == 0, done.stderr
        assert launcher.wait_for_end() == 1, launcher.output
    run, job, recorder = status.stdout.splitlines()
    assert (status.returncode, run) == (0, f"run {run_id} RUNNING")
    assert recorder.startswith("its last launcher was on another, where ")
    assert job.startswith(f"job {the_run(store).data.tags['tg.job_id']} cannot be seen: there is no job ")
    assert f"Run {run_id} KILLED: another process has ended the run meanwhile (" in launcher.output
    assert (the_run(store).info.status, "tg.failure_reason" in the_run(store).data.tags) == ("KILLED", False)
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_launcher_elsewhere_sees_that_its_run_was_completed(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(gated, "process", tmp_path) as launcher:
        run_id = wait_for_metric(store)
        move_launcher_away(store, run_id)
        os.kill(launcher.process.pid, signal.SIGSTOP)
        gate.touch()
        done = tg_mlflow(tmp_path, "attach", run_id)
        os.kill(launcher.process.pid, signal.SIGCONT)
        assert done.returncode == 0, done.stderr
        assert launcher.wait_for_end() == 0, launcher.output
    assert f"Run {run_id} is FINISHED: another process has ended the run meanwhile (" in launcher.output
    assert (the_run(store).info.status, "tg.failure_reason" in the_run(store).data.tags) == ("FINISHED", False)
    assert [(point.step, point.value) for point in store.get_metric_history(run_id, "loss")] == [(0, 0.5), (1, 0.25)]
    assert {each.path for each in store.list_artifacts(run_id)} == {
        "environment.json",
        "logs",
        "package",
        "result",
        "task.json",
    }
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.parametrize("place", ["attached", "process"])
def test_a_training_goes_on_when_its_terminal_is_closed(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path, place: str
) -> None:
    with Launcher(gated, place, tmp_path) as launcher:
        launcher.wait_for("at training")
        assert launcher.process.stdout is not None
        launcher.process.stdout.close()
        gate.touch()
        assert launcher.process.wait(END_SECONDS) == 0
    run = the_run(store)
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"loss": 0.25})
    log = store.download_artifacts(run.info.run_id, "logs/train.log", str(tmp_path))
    assert "###METRIC###loss:0.25###step:1###" in Path(log).read_text(encoding="utf-8")


def test_an_ended_run_is_still_told_of(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.touch()
    monkeypatch.setenv("MY_TOKEN", "hunter2-hunter2")
    with Launcher(gated, "process", tmp_path) as launcher:
        assert launcher.wait_for_end() == 0, launcher.output
    run = the_run(store)
    status = tg_mlflow(tmp_path, "status", run.info.run_id)
    assert (status.returncode, status.stdout.splitlines()) == (
        0,
        [f"run {run.info.run_id} FINISHED", f"job {run.data.tags['tg.job_id']} is not kept any more"],
    )
    logs = tg_mlflow(tmp_path, "logs", "--follow", run.info.run_id)
    assert logs.returncode == 0, logs.stderr
    lines = [line.partition(" INFO: ")[2] for line in logs.stdout.splitlines()]
    assert lines[0] == "Welcome to Training Grounds!"
    assert "###METRIC###loss:0.5###step:0###" in lines
    assert "the secret is ***" in lines
    assert lines[-1] == "DONE. Exiting Training Grounds."


def test_a_job_that_nobody_records_shows_no_secret(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "hunter2-hunter2")
    with Launcher(gated, "process", tmp_path) as launcher:
        run_id = wait_for_metric(store)
        launcher.kill()
    gate.touch()
    logs = tg_mlflow(tmp_path, "logs", "--follow", run_id).stdout
    assert "the secret is ***\n" in logs
    assert "hunter2" not in logs
    status = tg_mlflow(tmp_path, "status", run_id).stdout.splitlines()
    assert status[2:] == [f"no process of this machine records it; `tg-mlflow attach {run_id}` does"]
    assert tg_mlflow(tmp_path, "cancel", run_id).returncode == 0


def test_a_run_that_failed_before_it_had_a_job_says_why(
    gated: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    gated.write("tasks.py", "def build_task():\n    raise ValueError('no luck')\n")
    with Launcher(gated, "process", tmp_path) as launcher:
        assert launcher.wait_for_end() == 1
    run_id = the_run(store).info.run_id
    status = tg_mlflow(tmp_path, "status", run_id)
    assert status.returncode == 0
    assert status.stdout.startswith(f"run {run_id} FAILED: ")
    assert "no luck" in status.stdout
    logs = tg_mlflow(tmp_path, "logs", run_id)
    assert logs.returncode == 0, logs.stderr
    assert logs.stdout.startswith("Traceback (most recent call last)")
    assert logs.stdout.endswith("ValueError: no luck\n")
    left = create_left_run(store, {})
    logs = tg_mlflow(tmp_path, "logs", left)
    assert (logs.returncode, logs.stderr.count("\n")) == (1, 1)
    assert f"run '{left}' has no log yet, and of its job: run '{left}' has no job" in logs.stderr


# Trains as a notebook does, and lives on.
NOTEBOOK = """
    import contextlib
    import sys

    import mlflow

    with contextlib.suppress(mlflow.MlflowException):
        mlflow.projects.run(sys.argv[1], backend="tg-process", synchronous=False)
    print("lives on", flush=True)
    sys.stdin.read()
    print("was not hurt", flush=True)
"""


def test_a_process_that_lives_on_without_recording_is_neither_waited_for_nor_interrupted(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    monkeypatch.setenv("TG_TRACKING_PATIENCE_SECONDS", "1")
    script = gated.write("notebook.py", NOTEBOOK)
    with WarmPopen(
        [str(script), str(gated.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as notebook:
        assert notebook.stdout is not None
        run_id = wait_for_metric(store)
        store.delete_run(run_id)  # what it has to say of its end is not taken
        gate.touch()
        while notebook.stdout.readline() != "lives on\n":
            assert notebook.poll() is None
        store.restore_run(run_id)
        assert json.loads(the_run(store).data.tags["tg.launcher"])["pid"] == notebook.pid
        status = tg_mlflow(tmp_path, "status", run_id).stdout.splitlines()
        assert status[2:] == [f"no process of this machine records it; `tg-mlflow attach {run_id}` does"]
        attached = tg_mlflow(tmp_path, "attach", run_id)
        assert attached.returncode == 0, attached.stderr
        assert the_run(store).info.status == "FINISHED"
        assert tg_mlflow(tmp_path, "cancel", run_id).returncode == 0
        output, _ = notebook.communicate(timeout=END_SECONDS)
    assert (output, notebook.returncode) == ("was not hurt\n", 0)
    assert [(point.step, point.value) for point in store.get_metric_history(run_id, "loss")] == [(0, 0.5), (1, 0.25)]
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_launcher_that_nobody_has_asked_how_it_ended_is_gone(
    gated: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(gated, "process", tmp_path) as launcher:
        run_id = wait_for_metric(store)
        launcher.process.kill()
        os.waitid(os.P_PID, launcher.process.pid, os.WEXITED | os.WNOWAIT)  # a zombie, as in containers without init
        done = tg_mlflow(tmp_path, "cancel", run_id)
        launcher.process.communicate()
    assert done.returncode == 0, done.stderr
    assert "Waiting for process" not in done.stderr
    assert the_run(store).info.status == "KILLED"
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.parametrize(
    "tag",
    [
        "{",
        "[]",
        "7",
        "null",
        '{"pid": 1}',
        '{"host": 5}',
        {"pid": -1, "signal": 2},
        {"pid": 0, "signal": 2},
        {"pid": "1"},
        {"pid": 1e30},
        {"pid": 10**30},
        {"pid": 1},
        {"pid": os.getppid(), "started": "0"},
    ],
)
def test_a_damaged_tag_names_nobody(store: MlflowClient, tag: str | dict[str, Any]) -> None:
    run_id = store.create_run("0").info.run_id
    with launching(TrackingClient(store.tracking_uri), run_id):
        own = json.loads(store.get_run(run_id).data.tags["tg.launcher"])
    given = {key: value for key, value in own.items() if key not in ("started", "marker")}
    assert read_launcher({"tg.launcher": tag if isinstance(tag, str) else json.dumps({**given, **tag})}) is None


def test_a_run_with_a_damaged_tag_can_be_looked_after(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(gated, "process", tmp_path) as launcher:
        run_id = wait_for_metric(store)
        launcher.kill()
    store.set_tag(run_id, "tg.launcher", '{"host": "')
    gate.touch()
    assert tg_mlflow(tmp_path, "status", run_id).returncode == 0
    done = tg_mlflow(tmp_path, "attach", run_id)
    assert done.returncode == 0, done.stderr
    assert the_run(store).info.status == "FINISHED"


class EndingClient(TrackingClient):
    """Has a run end, as by its launcher, just after it was read for the first time."""

    is_over = False

    def get_run(self, run_id: str) -> Run:
        run = super().get_run(run_id)
        if not self.is_over:
            self.is_over = True
            self.set_terminated(run_id, "FINISHED")
        return run


def create_left_run(store: MlflowClient, tags: dict[str, str]) -> str:
    """Creates a run whose launcher is gone."""
    run_id: str = store.create_run(
        store.get_experiment_by_name("test").experiment_id, tags={"tg.version": "0.1.0", **tags}
    ).info.run_id
    with launching(TrackingClient(store.tracking_uri), run_id):
        pass
    return run_id


@pytest.mark.parametrize("settle", [cancel, lambda client, _: reconcile_runs(client, resume_sweep)])
def test_a_run_that_its_launcher_ends_just_now_stays_as_it_has_ended(
    store: MlflowClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settle: Callable[[TrackingClient, str], object],
) -> None:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    run_id = create_left_run(store, {"tg.place": "tg-process", "tg.job_id": "points-ended"})
    settle(EndingClient(store.tracking_uri), run_id)
    assert store.get_run(run_id).info.status == "FINISHED"
