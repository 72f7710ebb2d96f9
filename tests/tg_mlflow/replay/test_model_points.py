"""A server takes one point of a run, a metric, a step and a millisecond for a logged model; a job is quicker."""

import json

from mlflow import MlflowClient

from tests.job_output import open_recorder, write_lines
from tests.tg_mlflow.replay.conftest import Record
from tg.common.delivery.sagemaker import LogEvent
from tg_mlflow.tracking.client import TrackingClient

NOTE = "of several values that a metric has at one step in a millisecond, a logged model has the first; the run has all"
MODEL = "m-0123456789abcdef0123456789abcdef"


def test_the_run_has_all_points_and_the_model_the_first_of_a_millisecond(
    store: MlflowClient, client: TrackingClient, run_id: str, record: Record
) -> None:
    begin = {"op": "begin", "format": 1, "mlflow": "3.17.2", "run": run_id}
    model = {"op": "model", "model": MODEL, "run": run_id, "name": "net", "tags": {}, "params": {}, "type": None}
    bound = [MODEL, None, None]
    points = [
        ["loss", 0.5, 7, 0],
        ["loss", 0.25, 7, 0],
        ["loss", 0.5, 7, 0, *bound],
        ["loss", 0.25, 7, 0, *bound],
        ["loss", 0.25, 8, 0, *bound],
        ["loss", 0.25, 7, 1, *bound],
        ["accuracy", 0.25, 7, 0, *bound],
    ]
    records = [begin, model, {"op": "batch", "run": run_id, "params": [], "tags": [], "metrics": points}]
    late = {"op": "batch", "run": run_id, "params": [], "tags": [], "metrics": [["loss", 0.125, 7, 0, *bound]]}
    record(*records)
    written = write_lines(records)
    with open_recorder(client, run_id, len(written)) as recorder:  # of another launcher
        recorder.take(LogEvent(written, 7))
        recorder.take(LogEvent(write_lines([late], len(records) + 1), 7))

    found = store.get_metric_history(run_id, "loss")
    assert sorted((each.value, each.timestamp, each.step) for each in found) == [
        (0.125, 7, 0),
        (0.25, 7, 0),
        (0.25, 7, 1),
        (0.25, 8, 0),
        (0.5, 7, 0),
    ]
    (logged,) = store.search_logged_models([store.get_run(run_id).info.experiment_id])
    assert sorted((each.key, each.value, each.timestamp, each.step) for each in logged.metrics) == [
        ("accuracy", 0.25, 7, 0),
        ("loss", 0.25, 7, 1),
        ("loss", 0.25, 8, 0),
        ("loss", 0.5, 7, 0),
    ]
    assert json.loads(store.get_run(run_id).data.tags["tg.mlflow_notes"]) == {"notes": [NOTE]}
