"""Trainings at two places, on other data and of other code, compared."""

from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from tests.support import TASKS, ProjectFolder, make_points
from tg_mlflow.comparison import compare, read_record
from tg_mlflow.comparison.differences import Difference, SourceDifference
from tg_mlflow.tracking.client import TrackingClient

LOG = '"log": {"model": false, "figures": false, "tables": false}'


def train(project: ProjectFolder, place: str, **params: str) -> str:
    run_id: str = mlflow.projects.run(str(project.path), backend=f"tg-{place}", parameters=params).run_id
    return run_id


@pytest.mark.usefixtures("jobs")
def test_each_cause_of_another_result_is_named(project: ProjectFolder, store: MlflowClient, tmp_path: Path) -> None:
    project.write("tg.json", f'{{"dataset": "points.parquet", {LOG}}}')
    runs = [train(project, "attached")]
    project.write("tasks.py", TASKS.replace("max_iter: int = 100,", "max_iter: int = 50,"))
    points = make_points()
    points.loc[0, "x"] += 1
    project.write_dataset(points)
    runs.append(train(project, "process", C="0.5"))

    client = TrackingClient(store.tracking_uri)
    comparison = compare(*(read_record(client, run_id, tmp_path) for run_id in runs))
    code, data, *others = [each for each in comparison.causes if not each.not_recorded]
    assert isinstance(code, SourceDifference)
    assert [line for line in code.unified_diff.splitlines() if line[0] in "+-"] == [
        "--- a/tasks.py",
        "+++ b/tasks.py",
        "-def build_task(max_iter: int = 100, C: float = 1.0, splits: int = 1):",
        "+def build_task(max_iter: int = 50, C: float = 1.0, splits: int = 1):",
    ]
    assert (data.kind, data.name) == ("data", "points.parquet (training)")
    assert others == [
        Difference("parameter", "C", "1.0", "0.5"),
        Difference("place", "place", "tg-attached", "tg-process"),
    ]
    assert {each.kind for each in comparison.outcomes} == {"metric", "predictions"}
