"""What ``tg-mlflow doctor`` prints, and how it ends."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.tg_mlflow.memory_jobs import make_executor
from tests.tg_mlflow.takeover.conftest import MemoryConfig, MemoryPlace
from tg.common import DeliveryError
from tg_mlflow.cli.main import main
from tg_mlflow.diagnosis import Check, Finding


class CheckedPlace(MemoryPlace):
    """A place of another distribution that lists checks."""

    def __init__(self) -> None:
        super().__init__(make_executor())
        self.findings = {"gate": Finding.ok("open"), "room": Finding.ok("enough")}

    def list_checks(self, config: Any, folder: Path) -> Iterator[Check]:
        assert isinstance(config, MemoryConfig)
        if config.project_name == "bad":
            raise DeliveryError("project_name is 'bad'; take another one")
        yield Check("gate", lambda: self.findings["gate"], decides_use=True)
        yield Check("room", lambda: self.findings["room"], ("gate",))


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CheckedPlace:
    """The only place that is installed; the machine and the store have one check each."""
    place = CheckedPlace()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tg_mlflow.places.registry._load_places", lambda: {"memory": place})
    python, store = Check("Python", lambda: Finding.ok("3.12.1")), Check("reachable", lambda: Finding.ok("yes"))
    monkeypatch.setattr("tg_mlflow.diagnosis.list_machine_checks", lambda: [python])
    monkeypatch.setattr("tg_mlflow.diagnosis.list_store_checks", lambda: [store])
    return place


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *words])


def test_all_is_well(place: CheckedPlace) -> None:
    result = run()
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "this machine",
            "  ok       Python: 3.12.1",
            "MLflow",
            "  ok       reachable: yes",
            "memory",
            "  ok       gate: open",
            "  ok       room: enough",
            "no problems, no warnings",
        ],
    )


def test_a_place_that_is_not_used_here_is_a_problem_only_if_it_is_named(place: CheckedPlace) -> None:
    place.findings["gate"] = Finding.problem("closed", "open it")
    result = run()
    assert (result.exit_code, result.stdout.splitlines()[4:]) == (
        0,
        [
            "memory",
            "  warning  gate: closed",
            "           -> open it",
            "  skipped  the rest: memory cannot be used here as it is; `tg-mlflow doctor --backend memory` checks it",
            "no problems, 1 warning",
        ],
    )
    result = run("--backend", "memory")
    assert (result.exit_code, result.stdout.splitlines()[4:]) == (
        1,
        [
            "memory",
            "  problem  gate: closed",
            "           -> open it",
            "  skipped  room: not checked, as it needs gate",
            "1 problem, no warnings",
        ],
    )


@pytest.mark.parametrize(
    ("config", "found", "remedy"),
    [
        ('{"project_nam": 1}', "the backend config has the unknown key 'project_nam'", "did you mean 'project_name'?"),
        ('{"project_name": "bad"}', "project_name is 'bad'", "take another one"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_a_problem(
    place: CheckedPlace, config: str, found: str, remedy: str
) -> None:
    result = run("--json", "--backend", "memory", "--backend-config", config)
    assert (result.exit_code, json.loads(result.stdout)["checks"][2:]) == (
        1,
        [{"subject": "memory", "check": "configuration", "outcome": "problem", "found": found, "remedy": remedy}],
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--backend", "memry"], "backend 'memry' is unknown; did you mean 'memory'?"),
        (["--backend", "memory", "--backend-config", "{"], "--backend-config '{' is neither a JSON file nor JSON text"),
        (["--backend-config", "{}"], "--backend-config is for one place; give --backend, too"),
    ],
)
def test_what_cannot_be_done_ends_with_2(
    place: CheckedPlace, caplog: pytest.LogCaptureFixture, words: list[str], said: str
) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.output + caplog.text
    assert "Python" not in result.output
