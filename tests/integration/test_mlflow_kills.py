"""Launchers killed at random moments while a job calls MLflow: the runs are as if nothing was."""

import random
from collections import Counter
from pathlib import Path

from mlflow import MlflowClient

from tests.kill_scene import KillScene
from tests.launcher import attach
from tests.support import ProjectFolder
from tests.tracking_server import TrackingServer

POINTS = 20_000
FOLDS = 40
KILLS = ["start"] + ["training"] * 7 + ["end", "upload"]
TIME = 1_700_000_000_000

# Its children and its own run take turns; the weights are large, so that their upload can be met.
TASKS = f"""
    import os
    import time

    from tg.common.ml.training_core import AbstractTrainingTask


    class Logging(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            import mlflow

            client = mlflow.MlflowClient()
            with mlflow.start_run() as run:
                environment.output_metric("begun", 1)
                for fold in range({FOLDS}):
                    with mlflow.start_run(nested=True, run_name=f"fold {{fold}}") as child:
                        mlflow.log_param("fold", fold)
                        for step in range(25):
                            client.log_metric(child.info.run_id, "loss", fold + step / 32, {TIME} + step, step)
                        mlflow.log_text(f"this is {{fold}}", "fold.txt")
                    for index in range(fold * {POINTS // FOLDS}, (fold + 1) * {POINTS // FOLDS}):
                        client.log_metric(run.info.run_id, f"m{{index % 4}}", index / 7, {TIME} + index, index // 4)
                    mlflow.set_tag("last", child.info.run_id)
                    if fold % 10 == 0:
                        mlflow.initialize_logged_model(f"model-{{fold}}")
                    time.sleep(0.2)
            environment.store_artifact([], "weights", os.urandom(20_000_000))


    def build_task():
        return Logging()
"""


def test_kills_at_random_moments_leave_no_trace_in_what_a_job_has_given_to_mlflow(
    project: ProjectFolder, sqlite_server: TrackingServer, tmp_path: Path
) -> None:
    project.write("tasks.py", TASKS)
    project.write("tg.json", "{}")
    project.write("MLproject", "name: p\nentry_points: {main: {command: 'tg-mlflow train tasks:build_task'}}")
    seed = random.randrange(1_000_000)
    scene = KillScene(project, sqlite_server, tmp_path, random.Random(seed))
    for stage in KILLS:
        if stage in ("end", "upload"):
            scene.wait_for_the_job()
        scene.kill("end" if stage == "training" and scene.is_job_over else stage)
    told = "\n".join([f"seed {seed}", *scene.kills])
    assert sum("training" in kill and "running" in kill for kill in scene.kills) >= 3, told
    assert scene.run is not None, told
    run_id = scene.run.info.run_id
    result = attach(run_id, tmp_path)
    assert result.returncode == 0, f"{told}\n{result.stderr}"

    client = MlflowClient(sqlite_server.uri)
    run = client.get_run(run_id)
    assert (run.info.status, run.data.tags.get("tg.mlflow_notes")) == ("FINISHED", None), told
    found = Counter(
        (name, point.step, point.value, point.timestamp)
        for name in ("m0", "m1", "m2", "m3")
        for point in client.get_metric_history(run_id, name)
    )
    expected = Counter((f"m{index % 4}", index // 4, index / 7, TIME + index) for index in range(POINTS))
    assert (list(expected - found)[:3], list(found - expected)[:3]) == ([], []), told

    children = client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run_id}'")
    by_name = {child.info.run_name: child for child in children}
    assert Counter(child.info.run_name for child in children) == Counter(f"fold {n}" for n in range(FOLDS)), told
    for fold in range(FOLDS):
        child = by_name[f"fold {fold}"]
        points = client.get_metric_history(child.info.run_id, "loss")
        assert (child.info.status, child.data.params) == ("FINISHED", {"fold": str(fold)}), told
        assert [(each.step, each.value) for each in points] == [(n, fold + n / 32) for n in range(25)], told
        assert [each.path for each in client.list_artifacts(child.info.run_id)] == ["fold.txt"], told
    assert run.data.tags["last"] == by_name[f"fold {FOLDS - 1}"].info.run_id, told
    models = client.search_logged_models([run.info.experiment_id])
    assert Counter(model.name for model in models) == Counter(f"model-{n}" for n in range(0, FOLDS, 10)), told
