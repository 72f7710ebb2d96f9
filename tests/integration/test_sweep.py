"""Sweeps by ``mlflow run``, in child processes and in this one."""

import csv
import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.launcher import Launcher, processes_that_name
from tests.support import ProjectFolder, all_runs

TASKS = """
    import threading

    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def __init__(self, rate, size):
            super().__init__()
            self.rate, self.size = rate, size

        def run_with_environment(self, data, environment):
            if self.rate == 13:
                raise ValueError("13 is unlucky")
            if self.rate == 99:
                environment.log("at training")
                threading.Event().wait(600)
            environment.output_metric("loss", self.rate * sum(self.size), 0)


    def build_task(rate: float = 1, size: list[int] = [1]):
        return Task(rate, size)
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {rate: {type: float, default: 1.0}, size: {default: "[1]"}}
        command: "tg-mlflow train tasks:build_task rate={rate} size={size}"
"""


def sweep(project: ProjectFolder, **config: object) -> tuple[str, str]:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    return ("--backend-config", json.dumps(config))


def family(store: MlflowClient) -> tuple[Run, list[Run]]:
    runs = all_runs(store)
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == len(runs) - 1
    return parent, sorted(children, key=lambda run: str(run.info.run_name))


@pytest.mark.parametrize("place", ["process", "attached"])
def test_a_sweep_is_a_run_with_a_child_for_each_combination(
    project: ProjectFolder, store: MlflowClient, tmp_path: Path, place: str
) -> None:
    grid = {"rate": [0.5, 1, 2], "size": [[1], [1, 2], [3], [4, 4]]}
    words = sweep(project, sweep=grid, primary_metric="loss", mode="min", register={"name": "points"})
    with Launcher(project, place, tmp_path, *words) as launcher:
        assert launcher.wait_for_end() == 0, launcher.output
    parent, children = family(store)
    assert (parent.info.status, parent.info.run_name) == ("FINISHED", "points sweep")
    assert {run.info.status for run in children} == {"FINISHED"}
    assert {run.info.run_name: run.data.metrics["loss"] for run in children} == {
        f"R{rate}-S{'-'.join(map(str, size))}": rate * sum(size)
        for rate in (0.5, 1, 2)
        for size in ([1], [1, 2], [3], [4, 4])
    }
    (child,) = (run for run in children if run.info.run_name == "R0.5-S1-2")
    assert child.data.params == {"rate": "0.5", "size": "[1, 2]"}
    assert child.data.tags["tg.place"] == f"tg-{place}"
    for run, register in ((parent, {"register": {"name": "points"}}), (child, {})):
        assert json.loads(run.data.tags["tg.state"])["config"] == {
            "dataset": "points.parquet",
            "log": {"check_model": False, "figures": False},
            "primary_metric": "loss",
            "mode": "min",
            **register,
        }
    assert {each.path for each in store.list_artifacts(child.info.run_id)} >= {"logs", "package", "result", "task.json"}
    assert len({run.data.tags["tg.package_sha256"] for run in children}) == 1
    assert parent.data.tags["tg.best_name"] == "R0.5-S1"
    assert parent.data.metrics["loss"] == 0.5
    assert parent.data.tags["tg.registered"] == "not registered: the run has no model"
    assert [run for run in children if {"tg.register", "tg.registered"} & run.data.tags.keys()] == []
    assert parent.data.metrics["tg.sweep_finished"] == 12
    path = store.download_artifacts(parent.info.run_id, "sweep/summary.csv", str(tmp_path))
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert (rows[0]["name"], float(rows[0]["params.rate"]), float(rows[0]["metrics.loss"])) == ("R0.5-S1", 0.5, 0.5)
    assert "[12/12] " in launcher.output
    assert list((tmp_path / "jobs").iterdir()) == []
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_training_that_fails_does_not_stop_the_others(
    project: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(project, "process", tmp_path, *sweep(project, sweep={"rate": [1, 13, 2]})) as launcher:
        assert launcher.wait_for_end() == 1, launcher.output
    parent, children = family(store)
    assert {run.info.run_name: run.info.status for run in children} == {
        "R1": "FINISHED",
        "R13": "FAILED",
        "R2": "FINISHED",
    }
    assert parent.info.status == "FAILED"
    reason = "1 of 3 trainings have failed: R13; their runs say why"
    assert parent.data.tags["tg.failure_reason"] == reason
    assert f"Run {parent.info.run_id} FAILED: {reason}" in launcher.output
    assert "Traceback" not in launcher.output


def test_the_first_failure_stops_the_others_if_asked(
    project: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    words = sweep(project, sweep={"rate": [13, 99, 2, 3]}, stop_on_failure=True, max_parallel=2)
    with Launcher(project, "process", tmp_path, *words) as launcher:
        assert launcher.wait_for_end() == 1, launcher.output
    _, children = family(store)
    statuses = {run.info.run_name: run.info.status for run in children}
    assert statuses["R13"] == "FAILED"
    assert set(statuses.values()) <= {"FAILED", "KILLED", "FINISHED"}
    assert "R99" not in statuses or statuses["R99"] == "KILLED"
    assert processes_that_name(launcher.jobs) == []


def test_ctrl_c_stops_all(project: ProjectFolder, store: MlflowClient, tmp_path: Path) -> None:
    words = sweep(project, sweep={"rate": [2, 99], "size": [[1], [2]]}, max_parallel=4)
    with Launcher(project, "process", tmp_path, *words) as launcher:
        launcher.wait_for("[2/4] ")
        launcher.press_ctrl_c()
        assert launcher.wait_for_end() == 1, launcher.output
    parent, children = family(store)
    assert parent.info.status == "KILLED"
    assert {run.info.run_name: run.info.status for run in children} == {
        "R2-S1": "FINISHED",
        "R2-S2": "FINISHED",
        "R99-S1": "KILLED",
        "R99-S2": "KILLED",
    }
    assert parent.data.metrics["tg.sweep_killed"] == 2
    assert launcher.output.count(f"=== Run {parent.info.run_id} KILLED: it was interrupted ===\n") == 1
    assert "Traceback" not in launcher.output
    assert processes_that_name(launcher.jobs) == []
    assert list((tmp_path / "jobs").iterdir()) == []
