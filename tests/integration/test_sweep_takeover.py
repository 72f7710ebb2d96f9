"""Who may take care of a sweep's trainings: one process at a time, which stops all of them when it is interrupted."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.launcher import BIN, END_SECONDS, Launcher, processes_that_name, tg_mlflow, wait_until
from tests.support import ProjectFolder, all_runs
from tests.warm import WarmPopen

TASKS = """
    import os
    import time
    from pathlib import Path

    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def __init__(self, rate):
            super().__init__()
            self.rate = rate

        def run_with_environment(self, data, environment):
            environment.output_metric("loss", self.rate)
            while not Path(os.environ["GATE"]).exists():
                time.sleep(0.02)


    def build_task(rate: float):
        return Task(rate)
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {rate: {type: float, default: 1.0}}
        command: "tg-mlflow train tasks:build_task rate={rate}"
"""
WORDS = ("--backend-config", '{"sweep": {"rate": [1, 2, 3]}, "max_parallel": 2}')


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Trainings end when this file is there."""
    monkeypatch.setenv("GATE", str(tmp_path / "gate"))
    return tmp_path / "gate"


@pytest.fixture
def gated(project: ProjectFolder, gate: Path) -> ProjectFolder:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")
    return project


def family(store: MlflowClient) -> tuple[Run, dict[str, Run]]:
    runs = all_runs(store)
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    return parent, {str(run.info.run_name): run for run in runs if run is not parent}


def says(store: MlflowClient, *names: str) -> bool:
    return {run.info.run_name for run in all_runs(store) if "loss" in run.data.metrics} >= set(names)


def test_what_the_launcher_records_nobody_else_does(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(gated, "process", tmp_path, *WORDS) as launcher:
        wait_until(lambda: says(store, "R1", "R2"))
        os.kill(launcher.process.pid, signal.SIGSTOP)
        gate.touch()
        wait_until(lambda: processes_that_name(tmp_path / "jobs") == [])
        process, run_id = launcher.process.pid, family(store)[1]["R1"].info.run_id
        reconciled = tg_mlflow(tmp_path, "reconcile").stdout
        attached = tg_mlflow(tmp_path, "attach", run_id)
        os.kill(launcher.process.pid, signal.SIGCONT)
        assert launcher.wait_for_end() == 0, launcher.output
    message = f"run '{run_id}' is recorded by process {process} now; wait for it, or stop it with"
    assert f"{run_id}  left alone: {message}" in reconciled
    assert (attached.returncode, attached.stderr.count("\n")) == (1, 1)
    assert message in attached.stderr
    assert {run.info.status for run in all_runs(store)} == {"FINISHED"}
    assert list((tmp_path / "jobs").iterdir()) == []


def test_ctrl_c_stops_also_those_that_were_taken_over(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Launcher(gated, "process", tmp_path, *WORDS) as launcher:
        wait_until(lambda: says(store, "R1", "R2"))
        launcher.kill()
    parent, before = family(store)
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    with WarmPopen(
        [str(BIN / "tg-mlflow"), "attach", parent.info.run_id], stderr=subprocess.PIPE, text=True
    ) as attaching:
        assert attaching.stderr is not None
        said = attaching.stderr.readline() + attaching.stderr.readline()
        assert "Training 3 combinations, 2 at once" in said, said
        time.sleep(1)  # nothing tells when it follows both
        attaching.send_signal(signal.SIGINT)
        said += attaching.communicate(timeout=END_SECONDS)[1]
    assert attaching.returncode == 1
    assert "Stopping 2 trainings" in said
    assert said.count(f"=== Run {parent.info.run_id} KILLED: it was interrupted ===\n") == 1
    assert "Traceback" not in said, said
    parent, after = family(store)
    assert {name: run.info.run_id for name, run in after.items()} == {n: run.info.run_id for n, run in before.items()}
    assert {run.info.status for run in all_runs(store)} == {"KILLED"}
    assert processes_that_name(tmp_path / "jobs") == []
    assert list((tmp_path / "jobs").iterdir()) == []
    gate.touch()
    done = tg_mlflow(tmp_path, "attach", parent.info.run_id)
    assert done.returncode == 0, done.stderr
    runs = [(run.info.run_name, run.info.status) for run in all_runs(store) if "mlflow.parentRunId" in run.data.tags]
    assert sorted(runs) == [
        ("R1", "FINISHED"),
        ("R1", "KILLED"),
        ("R2", "FINISHED"),
        ("R2", "KILLED"),
        ("R3", "FINISHED"),
    ]
