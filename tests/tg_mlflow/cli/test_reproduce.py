from typing import Any

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient

from tg_mlflow.cli.main import main
from tg_mlflow.comparison.differences import Difference
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.reproduction import reproduction
from tg_mlflow.reproduction.planned_training import WantedTraining
from tg_mlflow.reproduction.verdict import Verdict

OLD = "0" * 31 + "7"


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["reproduce", *words])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("outcomes", "points", "exit_code"),
    [((), 3, 0), ((Difference("status", "status", "FINISHED", "FAILED"),), 3, 1), ((), 0, 2)],
)
def test_the_exit_code_is_the_verdict(
    store: MlflowClient,
    monkeypatch: pytest.MonkeyPatch,
    outcomes: tuple[Difference, ...],
    points: int,
    exit_code: int,
) -> None:
    asked: list[WantedTraining] = []

    def judge(client: Any, wanted: WantedTraining) -> Verdict:
        asked.append(wanted)
        return Verdict("old", "new", "FINISHED", outcomes, (), (), 1, points, False)

    monkeypatch.setattr(reproduction, "reproduce", judge)
    code, output = run(OLD, "-b", "tg-local", "-P", "a.b=x=y", "-c", '{"cpus": 2}', "--changed-data")
    assert (code, output.splitlines()[0][:7]) == (exit_code, "Run new")
    assert asked == [WantedTraining(OLD, "tg-local", {"cpus": 2}, {"a.b": "x=y"}, allows_changed_data=True)]


def test_what_cannot_be_compared_is_no_difference(store: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RunNotOursError("run 'old' is a sweep; give the id of one of its trainings' runs")

    monkeypatch.setattr(reproduction, "reproduce", refuse)
    assert run(OLD)[0] == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["-P", "=1"], "--param-list '=1' is not of the form NAME=VALUE"),
        (["-P", "a=1", "-P", "a=2"], "--param-list 'a' is given twice; give it once"),
    ],
)
def test_parameters_are_checked_before_anything_is_trained(store: MlflowClient, given: list[str], told: str) -> None:
    code, output = run(OLD, *given)
    assert code == 2
    assert f"=== {told} ===" in output
