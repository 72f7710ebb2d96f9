"""What ``tg-mlflow list`` prints."""

import json

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient

from tg_mlflow.cli.main import main


@pytest.fixture
def run_ids(store: MlflowClient) -> list[str]:
    """A run that has FAILED, and one that goes on, after it."""
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    ids = []
    for number, name in enumerate(("old-fox", "new-fox")):
        tags = {"tg.version": "0.1", "tg.place": "tg-local", "tg.failure_reason": "no login with tok-12345"}
        run = store.create_run(experiment.experiment_id, start_time=1000 + number, tags=tags, run_name=name)
        ids.append(str(run.info.run_id))
    store.set_terminated(ids[0], "FAILED", 3000)
    return ids


def test_a_line_for_each_run_without_secrets(run_ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TOKEN", "tok-12345")
    monkeypatch.setattr("time.time", lambda: 64.0)
    result = CliRunner().invoke(main, ["list"])
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "ID        STATE    NAME     PLACE     AGE        TOOK       RESULT",
            f"{run_ids[1][:8]}  RUNNING  new-fox  tg-local  1 min 3 s  1 min 3 s  "
            "no process of this machine records it",
            f"{run_ids[0][:8]}  FAILED   old-fox  tg-local  1 min 3 s  2 s        no login with ***",
        ],
    )


def test_states_and_json(run_ids: list[str], caplog: pytest.LogCaptureFixture) -> None:
    result = CliRunner().invoke(main, ["list", "--json", "--state", "failed", "--state", "KILLED"])
    said = json.loads(result.stdout)
    assert ([each["run_id"] for each in said["runs"]], said["left_out"]) == ([run_ids[0]], 0)
    assert CliRunner().invoke(main, ["list", "--state", "finished"]).stdout == "no run of tg-mlflow is such\n"
    assert CliRunner().invoke(main, ["list", "--experiment-name", "tset"]).exit_code == 1
    assert "there is no experiment 'tset' in sqlite" in caplog.text


def test_watching_goes_on_until_ctrl_c(
    run_ids: list[str], store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt
        store.set_terminated(run_ids[1], "FINISHED", 3000)

    monkeypatch.setattr("time.sleep", sleep)
    result = CliRunner().invoke(main, ["list", "--watch", "-n", "1"])
    states = [line.split()[1] for line in result.stdout.splitlines() if line.startswith(run_ids[1][:8])]
    assert (result.exit_code, states, pauses) == (0, ["RUNNING", "FINISHED"], [5, 5])
    assert CliRunner().invoke(main, ["list", "--watch", "--json"]).exit_code == 2
