"""The tags by which a run's job is found again are a format."""

import json
from pathlib import Path

from tg.common.delivery.sagemaker import ProcessExecutor, ProcessOptions
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.training.tags import build_job_tags


def test_tags_of_a_job() -> None:
    config = ProcessConfig(tags={"team": "blue"}, secrets=["HUB_TOKEN"], stop_grace_seconds=5)
    executor = ProcessExecutor(ProcessOptions(stop_grace_seconds=5))
    tags = build_job_tags(config, executor, "points-3", Path("/data/points.csv"), "C1", ["points-1", "points-2"])
    assert json.loads(tags.pop("tg.log"))["dataset"] is True
    assert json.loads(tags.pop("tg.place_options")) == {"stop_grace_seconds": 5}
    assert tags == {
        "tg.place": "tg-process",
        "tg.job_id": "points-3",
        "tg.earlier_jobs": "points-1 points-2",
        "tg.dataset": "/data/points.csv",
        "tg.secrets": '["HUB_TOKEN"]',
        "mlflow.runName": "C1",
        "team": "blue",
    }


def test_what_is_not_known_has_no_tag() -> None:
    tags = build_job_tags(ProcessConfig(), ProcessExecutor(ProcessOptions()), "points-1")
    assert set(tags) - {"tg.place_options"} == {"tg.place", "tg.job_id", "tg.log"}
