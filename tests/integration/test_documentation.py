"""The README and the pages of docs/ do what they say; those with Docker and AWS are beside the tests of these."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.documentation import Reader, Story, stories
from tests.support import all_runs

# What takes most of the time of a record, and is tested elsewhere.
QUICK = {"log": {"figures": False, "model": False, "system_metrics_seconds": 0, "tables": False}}


@pytest.mark.parametrize("story", stories(None), ids=lambda story: story.name)
def test_a_page_does_what_it_says(
    story: Story, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    reader = Reader(tmp_path / "story", QUICK)
    reader.read(story)
    runs = all_runs(store)
    assert {run.info.status for run in runs} <= {"FINISHED"}, reader.output
    starts = any(command in block.text for block in story.blocks for command in ("mlflow run", "mlflow sweep"))
    assert bool(runs) >= starts
