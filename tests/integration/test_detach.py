"""A command that ends as soon as its job is started."""

from pathlib import Path

from mlflow import MlflowClient

from tests.launcher import Launcher, attach, tg_mlflow
from tests.support import ProjectFolder, all_runs

# Ends when a file is there that the test makes.
TASKS = """
    import os
    import time
    from pathlib import Path

    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            environment.output_metric("loss", 0.5, 0)
            while not Path(os.environ["MAY_END"]).exists():
                time.sleep(0.05)
            environment.output_metric("loss", 0.25, 1)


    def build_task():
        return Task()
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        command: "tg-mlflow train tasks:build_task"
"""


def detach(project: ProjectFolder, store: MlflowClient, folder: Path) -> str:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", f'{{"detach": true, "environment": {{"MAY_END": "{folder / "may-end"}"}}}}')
    with Launcher(project, "process", folder) as launcher:
        assert launcher.wait_for_end() == 0, launcher.output
    (run,) = all_runs(store)
    assert run.info.status == "RUNNING"
    job_id, run_id = run.data.tags["tg.job_id"], str(run.info.run_id)
    assert f"Job {job_id} goes on by itself; to record it, run `tg-mlflow attach {run_id}`\n" in launcher.output
    assert f"job {job_id} running\n" in tg_mlflow(folder, "status", run_id).stdout
    return run_id


def test_a_detached_job_is_recorded_later(project: ProjectFolder, store: MlflowClient, tmp_path: Path) -> None:
    run_id = detach(project, store, tmp_path)
    (tmp_path / "may-end").touch()
    result = attach(run_id, tmp_path)
    assert result.returncode == 0, result.stderr
    assert store.get_run(run_id).info.status == "FINISHED"
    assert [(each.step, each.value) for each in store.get_metric_history(run_id, "loss")] == [(0, 0.5), (1, 0.25)]
    assert {each.path for each in store.list_artifacts(run_id)} >= {"logs", "package", "result", "task.json"}
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_detached_job_is_cancelled(project: ProjectFolder, store: MlflowClient, tmp_path: Path) -> None:
    run_id = detach(project, store, tmp_path)
    assert tg_mlflow(tmp_path, "cancel", run_id).returncode == 0
    assert store.get_run(run_id).info.status == "KILLED"
    assert list((tmp_path / "jobs").iterdir()) == []
