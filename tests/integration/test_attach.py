"""A launcher that dies, and what becomes of its run: real commands, real processes, an sqlite store."""

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.launcher import Launcher, attach, tg_mlflow
from tests.support import ProjectFolder, all_runs
from tg_mlflow.sweeps.reconciliation import reconcile_runs
from tg_mlflow.sweeps.resume import resume_sweep
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import launching

STEPS = 300

TASKS = f"""
    import time

    from tg.common.ml.training_core import AbstractTrainingTask


    class Slow(AbstractTrainingTask):
        def __init__(self, fails):
            super().__init__()
            self.fails = fails

        def run_with_environment(self, data, environment):
            for step in range({STEPS}):
                environment.output_metric("loss", 1 / (step + 1), step)
                time.sleep(0.005)
            if self.fails:
                raise ValueError("no luck")


    def build_task(fails: bool = False):
        return Slow(fails)
"""

MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {fails: {default: false}}
        command: "tg-mlflow train tasks:build_task fails={fails}"
"""


@pytest.fixture
def slow_project(project: ProjectFolder) -> ProjectFolder:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")
    return project


def kill_at_step(launcher: Launcher, step: int) -> None:
    with launcher:
        launcher.wait_for_step(step)
        launcher.kill()


def assert_whole_history(store: MlflowClient, run_id: str) -> None:
    points = store.get_metric_history(run_id, "loss")
    assert [(point.step, point.value) for point in points] == [(step, 1 / (step + 1)) for step in range(STEPS)]


@pytest.mark.parametrize("step", [0, 120, STEPS - 1])
def test_a_run_whose_launcher_was_killed_is_taken_over(
    slow_project: ProjectFolder, store: MlflowClient, tmp_path: Path, step: int
) -> None:
    kill_at_step(Launcher(slow_project, "process", tmp_path), step)
    (run,) = all_runs(store)
    result = attach(run.info.run_id, tmp_path)
    assert result.returncode == 0, result.stderr
    run = store.get_run(run.info.run_id)
    assert run.info.status == "FINISHED"
    assert_whole_history(store, run.info.run_id)
    assert {"logs", "package", "result", "task.json"} <= {each.path for each in store.list_artifacts(run.info.run_id)}
    assert list((tmp_path / "jobs").iterdir()) == []
    again = attach(run.info.run_id, tmp_path)
    assert again.returncode == 0
    assert "is FINISHED and complete: there is nothing to do" in again.stderr


def test_status_and_logs_and_cancel_work_from_the_tags_alone(
    slow_project: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    kill_at_step(Launcher(slow_project, "process", tmp_path), 10)
    (run,) = all_runs(store)
    status = tg_mlflow(tmp_path, "status", run.info.run_id)
    assert status.stdout.splitlines()[0] == f"run {run.info.run_id} RUNNING"
    assert tg_mlflow(tmp_path, "logs", "--follow", run.info.run_id).stdout.count("###METRIC###") == STEPS
    assert tg_mlflow(tmp_path, "status", run.info.run_id).stdout.splitlines()[1].endswith(" completed")
    assert tg_mlflow(tmp_path, "cancel", run.info.run_id).returncode == 0
    assert store.get_run(run.info.run_id).info.status == "FINISHED"  # it had completed before
    assert_whole_history(store, run.info.run_id)
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_run_whose_launcher_was_gone_before_there_was_a_job_is_ended_by_cancel(
    store: MlflowClient, tmp_path: Path
) -> None:
    experiment = store.get_experiment_by_name("test")
    run_id = store.create_run(experiment.experiment_id, tags={"tg.version": "0.1"}).info.run_id
    assert "has no job" in tg_mlflow(tmp_path, "attach", run_id).stderr
    done = tg_mlflow(tmp_path, "cancel", run_id)
    assert (done.returncode, store.get_run(run_id).info.status) == (0, "KILLED")
    done = tg_mlflow(tmp_path, "cancel", run_id)
    assert (done.returncode, f"Run {run_id} has ended before: KILLED" in done.stderr) == (0, True)


def test_reconcile_settles_what_was_left(slow_project: ProjectFolder, store: MlflowClient, tmp_path: Path) -> None:
    for fails in ("false", "true"):
        kill_at_step(Launcher(slow_project, "process", tmp_path, "-P", f"fails={fails}"), STEPS - 1)
    kill_at_step(Launcher(slow_project, "attached", tmp_path), 5)
    good, bad, attached = all_runs(store)
    for run in (good, bad):
        tg_mlflow(tmp_path, "logs", "--follow", run.info.run_id)
    result = tg_mlflow(tmp_path, "reconcile")
    assert result.returncode == 0, result.stderr
    assert "2 runs were RUNNING or SCHEDULED" in result.stdout  # `logs` has settled the third one
    statuses = [store.get_run(run.info.run_id).info.status for run in (good, bad, attached)]
    assert statuses == ["FINISHED", "FAILED", "FAILED"]
    assert_whole_history(store, good.info.run_id)
    assert_whole_history(store, bad.info.run_id)
    reasons = [store.get_run(run.info.run_id).data.tags["tg.failure_reason"] for run in (bad, attached)]
    assert "ValueError: no luck" in reasons[0]
    assert "its process ended in the middle" in reasons[1]


def create_left_run(store: MlflowClient, tags: dict[str, str]) -> str:
    """Creates a run whose launcher is gone."""
    tags = {"tg.version": "0.1", "tg.place": "tg-process", "tg.state": "{}", **tags}
    run_id: str = store.create_run(store.get_experiment_by_name("test").experiment_id, tags=tags).info.run_id
    with launching(TrackingClient(store.tracking_uri), run_id):
        pass
    return run_id


@pytest.mark.parametrize("tags", [{}, {"tg.job_id": "points-never"}])
@pytest.mark.parametrize("word", ["cancel", "reconcile"])
def test_a_run_whose_launcher_died_before_it_had_started_the_job_is_ended(
    store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tags: dict[str, str], word: str
) -> None:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    run_id = create_left_run(store, tags)
    attached = tg_mlflow(tmp_path, "attach", run_id)
    assert (attached.returncode, attached.stderr.count("\n")) == (1, 1), attached.stderr
    assert ("was never started" if tags else "has no job") in attached.stderr
    done = tg_mlflow(tmp_path, word, *([run_id] if word == "cancel" else []))
    assert done.returncode == 0, done.stderr
    assert store.get_run(run_id).info.status == "KILLED"


@pytest.mark.parametrize(
    "moved", [{"host": "another"}, {"pids": "pid:[1]"}, {"jobs": "/another"}], ids=["host", "container", "jobs"]
)
def test_a_job_that_may_be_elsewhere_is_left_alone(
    store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: dict[str, str]
) -> None:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    run_id = create_left_run(store, {"tg.job_id": "points-elsewhere"})
    launcher = json.loads(store.get_run(run_id).data.tags["tg.launcher"])
    store.set_tag(run_id, "tg.launcher", json.dumps({**launcher, **moved}))
    outcome = reconcile_runs(TrackingClient(store.tracking_uri), resume_sweep)[run_id]
    assert outcome.startswith("left alone: there is no job 'points-elsewhere' in ")
    assert store.get_run(run_id).info.status == "RUNNING"


def test_a_run_that_nobody_is_known_to_record_and_that_has_no_job_is_left_alone(store: MlflowClient) -> None:
    experiment = store.get_experiment_by_name("test")
    run_id = store.create_run(experiment.experiment_id, tags={"tg.version": "0.1"}).info.run_id
    assert reconcile_runs(TrackingClient(store.tracking_uri), resume_sweep)[run_id].startswith(
        f"left alone: run '{run_id}' has no job"
    )
    assert store.get_run(run_id).info.status == "RUNNING"


def test_reconcile_settles_the_others_when_one_run_is_not_taken(
    slow_project: ProjectFolder, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "blocked"
    blocked.touch()  # where a folder of artifacts should be
    refusing = store.create_experiment("refusing", artifact_location=(blocked / "artifacts").as_uri())
    for experiment in (store.get_experiment_by_name("test").experiment_id, refusing):
        monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", experiment)
        kill_at_step(Launcher(slow_project, "process", tmp_path), STEPS - 1)
    good, refused = all_runs(store)
    for run in (good, refused):
        tg_mlflow(tmp_path, "logs", "--follow", run.info.run_id)
    monkeypatch.setenv("TG_TRACKING_PATIENCE_SECONDS", "0")
    result = tg_mlflow(tmp_path, "reconcile")
    assert result.returncode == 0, result.stderr
    assert f"{good.info.run_id}  FINISHED\n" in result.stdout
    assert f"{refused.info.run_id}  " in result.stdout
    assert result.stdout.endswith("2 runs were RUNNING or SCHEDULED\n")
    assert store.get_run(good.info.run_id).info.status == "FINISHED"
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == [refused.data.tags["tg.job_id"]]


@pytest.mark.parametrize("word", ["attach", "status", "logs", "cancel"])
def test_a_run_that_is_not_there_or_not_ours_is_refused_in_one_line(
    store: MlflowClient, tmp_path: Path, word: str
) -> None:
    experiment = store.get_experiment_by_name("test")
    other = store.create_run(experiment.experiment_id).info.run_id
    absent = "there is no run" if word == "cancel" else "cannot be read"
    for run_id, message in (("0" * 32, absent), (other, "has no job: it was not started by a backend")):
        result = tg_mlflow(tmp_path, word, run_id)
        assert result.returncode == 1
        assert message in result.stderr
        assert "Traceback" not in result.stderr
