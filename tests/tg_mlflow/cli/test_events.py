"""What ``tg-mlflow events`` prints, of a run that nothing but itself is left of."""

import json

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient

from tg_mlflow.cli.main import main


@pytest.fixture
def run_id(store: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.tracking_uri)
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    noted = '[[1764522304250,"started",""],[1764522310500,"interrupted","the spot instances were reclaimed"]]'
    tags = {
        "tg.events": noted,
        "tg.stop_reason": "cancelled by ann on tower",
        "mlflow.user": "ann",
        "tg.version": "0.1",
    }
    run = store.create_run(experiment.experiment_id, start_time=1764522303000, tags=tags, run_name="brave-fox")
    store.set_terminated(run.info.run_id, "KILLED", 1764522320000)
    return str(run.info.run_id)


def test_each_change_is_a_line(store: MlflowClient, run_id: str) -> None:
    store.delete_run(run_id)  # which is no reason not to say what has become of it
    result = CliRunner().invoke(main, ["events", run_id])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "2025-11-30 17:05:03.000  created      by ann",
        "2025-11-30 17:05:04.250  started",
        "2025-11-30 17:05:10.500  interrupted  the spot instances were reclaimed",
        "2025-11-30 17:05:20.000  ended        KILLED: cancelled by ann on tower",
    ]


def test_the_run_may_be_named_in_short(run_id: str) -> None:
    outputs = {
        CliRunner().invoke(main, ["events", given]).stdout for given in (run_id, run_id[:8], "brave-fox", "last")
    }
    assert [text.count("\n") for text in outputs] == [4]


def test_as_json_it_is_an_object_a_line(run_id: str) -> None:
    result = CliRunner().invoke(main, ["events", "--json", run_id])
    assert [json.loads(line) for line in result.output.splitlines()][1] == {
        "time": "2025-11-30T17:05:04.250+00:00",
        "state": "started",
        "cause": "",
    }


def test_a_run_that_is_not_there_is_told_in_a_line(run_id: str, caplog: pytest.LogCaptureFixture) -> None:
    result = CliRunner().invoke(main, ["events", "0" * 32])
    assert result.exit_code == 1
    assert "cannot be read" in caplog.messages[-1]
