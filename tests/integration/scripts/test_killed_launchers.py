"""Launchers that are killed while a script logs with MLflow leave no trace in its runs: nothing lost, nothing twice."""

import random
from collections import Counter
from pathlib import Path

from mlflow import MlflowClient

from tests.integration.scripts.places import ScriptProject
from tests.kill_scene import KillScene
from tests.launcher import attach
from tests.tracking_server import TrackingServer

POINTS = 3_000
KILLS = ("start", "training", "training", "end")
EXPECTED = Counter(
    [
        *(("loss", index, index / 7) for index in range(POINTS)),
        *(
            (name, index, float(value))
            for index in range(0, POINTS, 10)
            for name, value in (("a", index), ("b", -index))
        ),
        *(("printed", index, float(index)) for index in range(0, POINTS, 100)),
    ]
)


def read_points(store: MlflowClient, run_id: str) -> "Counter[tuple[str, int, float]]":
    names = [name for name in store.get_run(run_id).data.metrics if not name.startswith("tg.")]
    return Counter((name, each.step, each.value) for name in names for each in store.get_metric_history(run_id, name))


def test_points_of_killed_launchers_are_there_once(sqlite_server: TrackingServer, tmp_path: Path) -> None:
    project = ScriptProject(tmp_path / "project", "points")
    project.write("tg.json", '{"env_manager": "local"}')
    seed = random.randrange(1_000_000)
    scene = KillScene(project, sqlite_server, tmp_path, random.Random(seed))
    for stage in KILLS:
        if stage == "end":
            scene.wait_for_the_job()
        scene.kill("end" if stage == "training" and scene.is_job_over else stage)
    told = "\n".join([f"seed {seed}", *scene.kills])
    assert scene.run is not None, told
    result = attach(scene.run.info.run_id, tmp_path)
    assert result.returncode == 0, f"{told}\n{result.stderr}"

    store = MlflowClient(sqlite_server.uri)
    run = store.get_run(scene.run.info.run_id)
    assert (run.info.status, run.data.tags.get("tg.mlflow_notes")) == ("FINISHED", None), told
    found = read_points(store, run.info.run_id)
    assert (EXPECTED - found, found - EXPECTED) == (Counter(), Counter()), told
    (child,) = store.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    assert (child.info.run_name, child.info.status) == ("below", "FINISHED"), told
    below = Counter(("below", number, number / 3) for number in range(POINTS // 10))
    assert read_points(store, child.info.run_id) == below, told
