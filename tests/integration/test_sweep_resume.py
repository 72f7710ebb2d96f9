"""A sweep whose launcher is gone, and what ``tg-mlflow`` does with it: real commands, real processes."""

import csv
import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.launcher import Launcher, processes_that_name, tg_mlflow, wait_until
from tests.support import ProjectFolder, all_runs

TASKS = """
    import os
    import time
    from pathlib import Path

    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def __init__(self, rate, size):
            super().__init__()
            self.rate, self.size = rate, size

        def run_with_environment(self, data, environment):
            gate = Path(os.environ["GATE"])
            for step in range(20):
                environment.output_metric("loss", self.rate / (step + 1), step)
            while self.rate > 90 and not gate.exists():
                time.sleep(0.02)
            if self.rate == 13 and not gate.exists():
                raise ValueError("13 is unlucky")
            environment.output_metric("size", self.size)


    def build_task(rate: float = 1, size: int = 7):
        return Task(rate, size)
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {rate: {type: float, default: 1.0}, size: {default: 7}}
        command: "tg-mlflow train tasks:build_task rate={rate} size={size}"
"""


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Trainings with a rate above 90 go on when this file is there."""
    monkeypatch.setenv("GATE", str(tmp_path / "gate"))
    return tmp_path / "gate"


@pytest.fixture
def gated(project: ProjectFolder, gate: Path) -> ProjectFolder:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")
    return project


def config(*rates: float, **more: object) -> tuple[str, str]:
    keys = {"sweep": {"rate": list(rates)}, "max_parallel": 2, "primary_metric": "loss", "mode": "min", **more}
    return ("--backend-config", json.dumps(keys))


def parent_of(store: MlflowClient) -> Run:
    (parent,) = (run for run in all_runs(store) if "mlflow.parentRunId" not in run.data.tags)
    return parent


def children_of(store: MlflowClient) -> dict[str, list[Run]]:
    named: dict[str, list[Run]] = {}
    for run in sorted(all_runs(store), key=lambda run: int(run.info.start_time)):
        if "mlflow.parentRunId" in run.data.tags:
            named.setdefault(run.info.run_name, []).append(run)
    return named


def statuses_of(store: MlflowClient) -> dict[str, list[str]]:
    return {name: [run.info.status for run in runs] for name, runs in children_of(store).items()}


def says(store: MlflowClient, *names: str) -> bool:
    runs = children_of(store)
    return all(name in runs and "loss" in runs[name][-1].data.metrics for name in names)


def kill_in_the_middle(project: ProjectFolder, store: MlflowClient, folder: Path, *words: str) -> None:
    """Kills the launcher of R1, R98, R99 and R2, two at once, while R98 and R99 run; R2 has not been started then."""
    with Launcher(project, "process", folder, *words) as launcher:
        wait_until(lambda: says(store, "R98", "R99"))
        launcher.kill()


def test_what_has_ended_is_kept_what_runs_is_recorded_and_what_is_missing_is_trained(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path
) -> None:
    kill_in_the_middle(gated, store, tmp_path, *config(1, 98, 99, 2))
    before = children_of(store)
    assert set(before) == {"R1", "R98", "R99"}
    (gated.path / "tasks.py").unlink()  # the package of the sweep has all that is needed
    (gated.path / "MLproject").unlink()
    gate.touch()
    done = tg_mlflow(tmp_path, "attach", parent_of(store).info.run_id)
    assert done.returncode == 0, done.stderr
    assert "of 4 trainings, 1 have ended and 2 go on" in done.stderr
    parent, after = parent_of(store), children_of(store)
    assert parent.info.status == "FINISHED"
    assert statuses_of(store) == {name: ["FINISHED"] for name in ("R1", "R98", "R99", "R2")}
    for name in ("R1", "R98", "R99"):
        assert after[name][0].info.run_id == before[name][0].info.run_id
    for name, rate in (("R1", 1), ("R98", 98), ("R99", 99), ("R2", 2)):
        (run,) = after[name]
        points = [(point.step, point.value) for point in store.get_metric_history(run.info.run_id, "loss")]
        assert sorted(points) == [(step, rate / (step + 1)) for step in range(20)]
        assert run.data.params == {"rate": str(rate), "size": "7"}
        assert run.data.metrics["size"] == 7
        paths = {each.path for each in store.list_artifacts(run.info.run_id)}
        assert paths >= {"logs", "package", "result", "task.json"}
    assert len({run.data.tags["tg.package_sha256"] for (run,) in after.values()}) == 1
    assert parent.data.tags["tg.best_name"] == "R1"
    assert parent.data.metrics["tg.sweep_finished"] == 4
    path = store.download_artifacts(parent.info.run_id, "sweep/summary.csv", str(tmp_path))
    with open(path, newline="", encoding="utf-8") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["R1", "R98", "R99", "R2"]
    assert processes_that_name(tmp_path / "jobs") == []
    assert list((tmp_path / "jobs").iterdir()) == []
    again = tg_mlflow(tmp_path, "attach", parent.info.run_id)
    assert again.returncode == 0, again.stderr
    assert statuses_of(store) == {name: ["FINISHED"] for name in ("R1", "R98", "R99", "R2")}


def test_what_was_killed_is_trained_again_and_what_has_failed_only_if_asked(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(gated, "process", tmp_path, *config(13, 1, 99, max_parallel=3)) as launcher:
        launcher.wait_for("[2/3] ")
        wait_until(lambda: says(store, "R99"))
        launcher.press_ctrl_c()
        assert launcher.wait_for_end() == 1, launcher.output
    assert statuses_of(store) == {"R13": ["FAILED"], "R1": ["FINISHED"], "R99": ["KILLED"]}
    parent = parent_of(store)
    assert parent.info.status == "KILLED"
    gate.touch()
    done = tg_mlflow(tmp_path, "attach", parent.info.run_id)
    assert done.returncode == 1
    assert f"Run {parent.info.run_id} FAILED: 1 of 3 trainings have failed: R13; their runs say why" in done.stderr
    assert statuses_of(store) == {"R13": ["FAILED"], "R1": ["FINISHED"], "R99": ["KILLED", "FINISHED"]}
    done = tg_mlflow(tmp_path, "attach", "--retry-failed", parent.info.run_id)
    assert done.returncode == 0, done.stderr
    assert statuses_of(store) == {"R13": ["FAILED", "FINISHED"], "R1": ["FINISHED"], "R99": ["KILLED", "FINISHED"]}
    parent = parent_of(store)
    assert parent.info.status == "FINISHED"
    assert "tg.failure_reason" not in parent.data.tags
    assert "tg.sweep_failed" not in parent.data.metrics or parent.data.metrics["tg.sweep_failed"] == 0


def test_a_sweep_of_this_process_is_resumed_in_it(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(gated, "attached", tmp_path, *config(1, 99, 2, max_parallel=1)) as launcher:
        wait_until(lambda: says(store, "R99"))
        launcher.kill()
    gate.touch()
    done = tg_mlflow(tmp_path, "attach", parent_of(store).info.run_id)
    # Its training has died with it, which is a failure as any other.
    assert done.returncode == 1
    assert statuses_of(store) == {"R1": ["FINISHED"], "R99": ["FAILED"], "R2": ["FINISHED"]}
    done = tg_mlflow(tmp_path, "attach", "--retry-failed", parent_of(store).info.run_id)
    assert done.returncode == 0, done.stderr
    runs = children_of(store)
    assert statuses_of(store) == {"R1": ["FINISHED"], "R99": ["FAILED", "FINISHED"], "R2": ["FINISHED"]}
    for name, rate in (("R99", 99), ("R2", 2)):
        assert runs[name][-1].data.metrics == {"loss": pytest.approx(rate / 20), "size": 7}
        paths = {each.path for each in store.list_artifacts(runs[name][-1].info.run_id)}
        assert paths >= {"logs", "package", "result", "task.json"}


def test_a_sweep_is_looked_at_and_stopped_by_its_run(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(gated, "process", tmp_path, *config(1, 98, 99, 2)) as launcher:
        wait_until(lambda: says(store, "R98", "R99"))
        run_id, process = parent_of(store).info.run_id, launcher.process.pid
        done = tg_mlflow(tmp_path, "attach", run_id)
        assert done.returncode == 1
        assert f"sweep '{run_id}' is run by process {process} now; " in done.stderr
        assert "left alone: process" in tg_mlflow(tmp_path, "reconcile").stdout
        launcher.kill()
    shown = tg_mlflow(tmp_path, "status", run_id).stdout.splitlines()
    assert shown[0] == f"run {run_id} RUNNING"
    assert [(line.split()[0], line.split()[2]) for line in shown[1:4]] == [
        ("R1", "FINISHED"),
        ("R98", "RUNNING"),
        ("R99", "RUNNING"),
    ]
    advice = f"`tg-mlflow attach {run_id}` resumes it, `tg-mlflow cancel {run_id}` ends it"
    assert shown[4:] == ["1 training was not started yet", f"no process of this machine runs it; {advice}"]
    assert f"left alone: 3 trainings are missing; `tg-mlflow attach {run_id}` resumes it" in (
        tg_mlflow(tmp_path, "reconcile").stdout
    )
    done = tg_mlflow(tmp_path, "logs", run_id)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"run '{run_id}' is a sweep; give the id of one of its trainings' runs" in done.stderr
    done = tg_mlflow(tmp_path, "cancel", run_id)
    assert done.returncode == 0, done.stderr
    assert statuses_of(store) == {"R1": ["FINISHED"], "R98": ["KILLED"], "R99": ["KILLED"]}
    assert parent_of(store).info.status == "KILLED"
    assert processes_that_name(tmp_path / "jobs") == []


def test_a_sweep_that_runs_is_stopped_through_its_launcher(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(gated, "process", tmp_path, *config(98, 99, 97)) as launcher:
        wait_until(lambda: says(store, "R98", "R99"))
        done = tg_mlflow(tmp_path, "cancel", parent_of(store).info.run_id)
        assert done.returncode == 0, done.stderr
        assert launcher.wait_for_end() == 1, launcher.output
    assert statuses_of(store) == {"R98": ["KILLED"], "R99": ["KILLED"]}
    assert parent_of(store).info.status == "KILLED"
    assert launcher.output.count("KILLED: it was interrupted") == 1, launcher.output
    assert list((tmp_path / "jobs").iterdir()) == []


def test_one_training_is_stopped_while_its_sweep_goes_on(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(gated, "process", tmp_path, *config(98, 1, 99, 2, max_parallel=3)) as launcher:
        wait_until(lambda: says(store, "R98", "R99"))
        done = tg_mlflow(tmp_path, "cancel", children_of(store)["R98"][0].info.run_id)
        assert done.returncode == 0, done.stderr
        assert f"Waiting for process {launcher.process.pid}, which records the run, to end it" in done.stderr
        assert statuses_of(store)["R98"] == ["KILLED"]
        gate.touch()
        assert launcher.wait_for_end() == 0, launcher.output
    assert statuses_of(store) == {"R98": ["KILLED"], "R1": ["FINISHED"], "R99": ["FINISHED"], "R2": ["FINISHED"]}
    assert parent_of(store).data.metrics["tg.sweep_killed"] == 1
    assert list((tmp_path / "jobs").iterdir()) == []


def test_reconcile_ends_a_sweep_whose_trainings_have_all_ended(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(gated, "process", tmp_path, *config(98, 99)) as launcher:
        wait_until(lambda: says(store, "R98", "R99"))
        launcher.kill()
    gate.touch()
    wait_until(lambda: processes_that_name(tmp_path / "jobs") == [])
    done = tg_mlflow(tmp_path, "reconcile")
    assert done.returncode == 0, done.stderr
    parent = parent_of(store)
    assert f"{parent.info.run_id}  FINISHED" in done.stdout
    assert statuses_of(store) == {"R98": ["FINISHED"], "R99": ["FINISHED"]}
    assert (parent.info.status, parent.data.tags["tg.best_name"]) == ("FINISHED", "R98")


def test_secrets_are_not_kept_and_have_to_be_given_again(
    gated: ProjectFolder, gate: Path, store: MlflowClient, tmp_path: Path
) -> None:
    secret = {"environment": {"DB_PASSWORD": "hunter2-hunter2"}}
    kill_in_the_middle(gated, store, tmp_path, *config(1, 98, 99, 2, **secret))
    gate.touch()
    run_id = parent_of(store).info.run_id
    path = store.download_artifacts(run_id, "sweep/plan.json", str(tmp_path))
    assert "hunter2" not in Path(path).read_text(encoding="utf-8")
    done = tg_mlflow(tmp_path, "attach", run_id)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "'environment' has a secret, which the sweep's run does not keep; give it again" in done.stderr
    done = tg_mlflow(tmp_path, "attach", "--backend-config", json.dumps(secret), run_id)
    assert done.returncode == 0, done.stderr
    assert parent_of(store).info.status == "FINISHED"
