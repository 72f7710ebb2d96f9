"""What ``tg-mlflow diff`` says, and with which code it ends."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from mlflow import MlflowClient

from tests.released.test_released import RELEASES
from tests.tg_mlflow.comparison.records import ENVIRONMENT
from tests.tg_mlflow.comparison.stored_runs import create_released_run
from tg_mlflow.cli.main import main


def diff(*words: str) -> Result:
    return CliRunner().invoke(main, ["diff", *words])


@pytest.fixture
def runs(store: MlflowClient, tmp_path: Path) -> list[str]:
    """Two runs that have recorded everything, and the same."""
    runs = [create_released_run(store, RELEASES[-1], tmp_path) for _ in range(2)]
    for run_id in runs:
        store.set_tag(run_id, "tg.state", "{}")
        store.log_text(run_id, json.dumps(ENVIRONMENT), "environment.json")
        store.log_text(run_id, "{}", "task.json")
    return runs


def test_the_exit_code_is_that_of_diff(runs: list[str], store: MlflowClient, caplog: pytest.LogCaptureFixture) -> None:
    same = diff(*runs)
    assert (same.exit_code, same.stdout.splitlines()[-1]) == (0, "The runs are identical")
    store.log_param(runs[1], "C", "0.5")
    different = diff(*runs)
    assert (different.exit_code, different.stdout.splitlines()[-1]) == (1, "The runs differ in parameter")
    assert "\nparameter\n  C: not given -> 0.5\n" in different.stdout
    assert diff(runs[0], "0" * 32).exit_code == 2
    assert "check the id and the tracking URI" in caplog.messages[-1]
    assert diff(runs[0]).exit_code == 2


def test_a_fault_does_not_end_with_the_code_of_a_difference(runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tg_mlflow.comparison.run_record.read_package", lambda path: 1 / 0)
    result = diff(*runs)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "ZeroDivisionError" in result.stderr


def test_json_has_no_secrets(runs: list[str], store: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TOKEN", "tok-4f5e6d")
    monkeypatch.setenv("PIN", "pin-9876")
    for run_id in runs:
        store.set_tag(run_id, "tg.state", '{"config": {"secrets": ["PIN"]}}')
    store.log_text(runs[1], '{"note": "tok-4f5e6d", "pin": "pin-9876"}', "task.json")
    result = diff("--json", *runs)
    written = json.loads(result.stdout)
    assert (result.exit_code, written["identical"], written["second"]["run_id"]) == (1, False, runs[1])
    assert [(each["name"], each["second"]) for each in written["differences"]] == [
        ("task.note", "***"),
        ("task.pin", "***"),
    ]


def test_the_help_names_the_exit_codes() -> None:
    words = " ".join(diff("--help").stdout.split())
    assert "Exit code: 0 if the runs are identical, 1 if they differ or have not recorded something, 2 if" in words
