"""What is said of a run that is interrupted."""

import logging
import sys

import pytest
from mlflow import MlflowClient

from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.training.announcement import announcing_interrupt


@pytest.mark.parametrize(
    ("before", "after", "when"),
    [
        ("RUNNING", "KILLED", "it was interrupted"),
        ("SCHEDULED", "KILLED", "it was interrupted"),
        ("KILLED", "KILLED", "it was interrupted"),
        ("FINISHED", "FINISHED", "it was interrupted after its end"),
        ("FAILED", "FAILED", "it was interrupted after its end"),
    ],
)
def test_a_run_that_is_interrupted_has_ended(
    store: MlflowClient, capsys: pytest.CaptureFixture[str], before: str, after: str, when: str
) -> None:
    run_id = store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id
    store.update_run(run_id, before)
    shown = logging.StreamHandler(sys.stdout)
    logger = logging.getLogger("mlflow.tg_mlflow")
    logger.addHandler(shown)
    try:
        with pytest.raises(KeyboardInterrupt), announcing_interrupt(TrackingClient(store.tracking_uri), run_id):
            raise KeyboardInterrupt
    finally:
        logger.removeHandler(shown)
    assert store.get_run(run_id).info.status == after
    assert capsys.readouterr().out == f"=== Run {run_id} {after}: {when} ===\n"
