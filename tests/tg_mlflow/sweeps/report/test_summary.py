"""What a sweep's parent run shows of its children, in a real store."""

import json
import logging
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tg_mlflow.errors import TrackingError
from tg_mlflow.sweeps.report import figures as sweep_figures
from tg_mlflow.sweeps.report.description import describe_sweep
from tg_mlflow.sweeps.report.summary import log_sweep_summary
from tg_mlflow.sweeps.report.table import SweepChildResult
from tg_mlflow.tracking.client import TrackingClient

GRID = {"C": [0.1, 1], "penalty": ["l1", None]}


def child(
    name: str, status: str = "FINISHED", accuracy: float | None = None, failure: str | None = None, **parameters: Any
) -> SweepChildResult:
    metrics = {} if accuracy is None else {"accuracy": accuracy}
    run_id = None if status == "NOT STARTED" else f"id-{name}"
    return SweepChildResult(name, run_id, status, None if run_id is None else 2.5, parameters, metrics, failure)


CHILDREN = [
    child("C0.1-Pl1", accuracy=0.8125, C=0.1, penalty="l1"),
    child("C0.1-PN", "FAILED", failure="no memory", C=0.1, penalty=None),
    child("C1-Pl1", accuracy=0.9, C=1, penalty="l1"),
    child("C1-PN", "NOT STARTED", C=1, penalty=None),
]


class Parent:
    """A parent run and what is logged into it."""

    def __init__(self, store: MlflowClient) -> None:
        self.store = store
        self.experiment_id = store.get_experiment_by_name("test").experiment_id
        self.run_id = store.create_run(self.experiment_id).info.run_id

    def log(self, children: list[SweepChildResult], metric: str | None = "accuracy", mode: Any = "max") -> Run:
        log_sweep_summary(
            TrackingClient(self.store.tracking_uri), self.run_id, self.experiment_id, children, metric, mode, GRID
        )
        return self.store.get_run(self.run_id)

    def files(self) -> set[str]:
        return {each.path for each in self.store.list_artifacts(self.run_id, "sweep")}

    def read(self, name: str) -> str:
        return Path(self.store.download_artifacts(self.run_id, f"sweep/{name}")).read_text(encoding="utf-8")


@pytest.fixture
def parent(store: MlflowClient) -> Parent:
    return Parent(store)


def test_the_parent_has_the_best_child_the_counts_and_the_table(parent: Parent) -> None:
    run = parent.log(CHILDREN)
    assert run.data.metrics == {
        "accuracy": 0.9,
        "tg.sweep_finished": 2,
        "tg.sweep_failed": 1,
        "tg.sweep_killed": 0,
        "tg.sweep_not_started": 1,
    }
    assert {name: value for name, value in run.data.tags.items() if name.startswith("tg.")} == {
        "tg.best_run_id": "id-C1-Pl1",
        "tg.best_name": "C1-Pl1",
    }
    assert parent.read("summary.csv") == (
        "name,status,seconds,run_id,params.C,params.penalty,metrics.accuracy,failure\n"
        "C0.1-Pl1,FINISHED,2.5,id-C0.1-Pl1,0.1,l1,0.8125,\n"
        "C0.1-PN,FAILED,2.5,id-C0.1-PN,0.1,,,no memory\n"
        "C1-Pl1,FINISHED,2.5,id-C1-Pl1,1.0,l1,0.9,\n"
        "C1-PN,NOT STARTED,,,1.0,,,\n"
    )
    assert json.loads(parent.read("summary.json"))["data"] == [
        ["C0.1-Pl1", "FINISHED", 2.5, "id-C0.1-Pl1", 0.1, "l1", 0.8125, None],
        ["C0.1-PN", "FAILED", 2.5, "id-C0.1-PN", 0.1, None, None, "no memory"],
        ["C1-Pl1", "FINISHED", 2.5, "id-C1-Pl1", 1.0, "l1", 0.9, None],
        ["C1-PN", "NOT STARTED", None, None, 1.0, None, None, None],
    ]
    assert json.loads(run.data.tags["mlflow.loggedArtifacts"]) == [{"path": "sweep/summary.json", "type": "table"}]
    # The penalty does not differ between those that are finished.
    assert parent.files() == {
        "sweep/summary.csv",
        "sweep/summary.json",
        *(f"sweep/{name}.{suffix}" for name in ("parallel_coordinates", "metric_vs_C") for suffix in ("png", "csv")),
    }


def test_the_description(parent: Parent) -> None:
    run = parent.log(CHILDREN)
    assert run.data.tags["mlflow.note.content"] == (
        "4 trainings over C (0.1, 1); penalty (l1, None): 2 finished, 1 failed, 1 not started. "
        "The best is [C1-Pl1](#/experiments/1/runs/id-C1-Pl1): its accuracy of 0.9 is the max. "
        "[Compare them](#/compare-runs?runs=%5B%22id-C1-Pl1%22%2C%22id-C0.1-Pl1%22%2C%22id-C0.1-PN%22%5D"
        "&experiments=%5B%221%22%5D)\n"
        "\n"
        "| name&emsp; | status&emsp; | C&emsp; | penalty&emsp; | accuracy |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| [C1-Pl1](#/experiments/1/runs/id-C1-Pl1)&emsp; | finished&emsp; | 1&emsp; | l1&emsp; | 0.9 |\n"
        "| [C0.1-Pl1](#/experiments/1/runs/id-C0.1-Pl1)&emsp; | finished&emsp; | 0.1&emsp; | l1&emsp; | 0.8125 |\n"
        "| [C0.1-PN](#/experiments/1/runs/id-C0.1-PN)&emsp; | failed: no memory&emsp; | 0.1&emsp; | None&emsp; |  |\n"
        "| C1-PN&emsp; | not started&emsp; | 1&emsp; | None&emsp; |  |"
    )


def test_a_sweep_that_is_resumed_replaces_everything(parent: Parent) -> None:
    parent.log(CHILDREN)
    parent.store.set_tag(parent.run_id, "tg.missing", "sweep/summary.json")
    better = replace(CHILDREN[3], run_id="id-C1-PN", status="FINISHED", metrics={"accuracy": 0.85}, seconds=3.0)
    run = parent.log([*CHILDREN[:3], better], mode="min")
    assert (run.data.tags["tg.best_name"], run.data.metrics["accuracy"]) == ("C0.1-Pl1", 0.8125)
    assert (run.data.metrics["tg.sweep_finished"], run.data.metrics["tg.sweep_not_started"]) == (3, 0)
    assert "tg.missing" not in run.data.tags
    assert len(json.loads(parent.read("summary.json"))["data"]) == 4
    assert parent.read("summary.csv").endswith("C1-PN,FINISHED,3.0,id-C1-PN,1.0,,0.85,\n")
    assert "sweep/metric_vs_penalty.png" in parent.files()
    run = parent.log([CHILDREN[1]])
    assert not {"tg.best_name", "tg.best_run_id"} & set(run.data.tags)


def test_a_metric_that_is_unknown_is_said_once(parent: Parent, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "mlflow.tg_mlflow"):
        run = parent.log(CHILDREN, "acuracy")
    message = "no finished training has a finite value of primary_metric 'acuracy'; did you mean 'accuracy'?"
    assert [record.getMessage() for record in caplog.records] == [f"The sweep has no best training: {message}"]
    assert f"There is no best: {message}." in run.data.tags["mlflow.note.content"]
    assert "tg.best_name" not in run.data.tags
    assert parent.files() == {"sweep/summary.csv", "sweep/summary.json"}


def test_without_a_primary_metric_none_is_best_and_all_are_shown(parent: Parent) -> None:
    run = parent.log(CHILDREN, None)
    assert "tg.best_name" not in run.data.tags
    assert "accuracy" not in run.data.metrics
    lines = run.data.tags["mlflow.note.content"].splitlines()
    assert "2 finished, 1 failed, 1 not started. [Compare them](" in lines[0]
    assert lines[2:5:2] == [
        "| name&emsp; | status&emsp; | C&emsp; | penalty&emsp; | accuracy |",
        "| [C0.1-Pl1](#/experiments/1/runs/id-C0.1-Pl1)&emsp; | finished&emsp; | 0.1&emsp; | l1&emsp; | 0.8125 |",
    ]
    assert "sweep/metric_vs_C.png" in parent.files()


def test_what_cannot_be_drawn_is_named_and_keeps_nothing_else(parent: Parent, caplog: pytest.LogCaptureFixture) -> None:
    children = [replace(each, parameters={"C/c": 1 + i}) for i, each in enumerate(CHILDREN)]
    parent.store.set_tag(parent.run_id, "tg.missing", "another, sweep/old.png")

    def refuse(*_: object) -> None:
        raise ValueError("no\nroom")

    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.WARNING, "mlflow.tg_mlflow"):
        patch.setattr(sweep_figures, "build_parallel_coordinates", refuse)
        run = parent.log(children)
    assert run.data.tags["tg.missing"] == "another, sweep/parallel_coordinates.png"
    assert [record.getMessage() for record in caplog.records] == [
        "sweep/parallel_coordinates.png could not be logged: ValueError: no room"
    ]
    assert parent.files() == {
        f"sweep/{name}" for name in ("summary.csv", "summary.json", "metric_vs_C_c.png", "metric_vs_C_c.csv")
    }


def test_what_the_tracking_server_has_against_it_is_raised(parent: Parent) -> None:
    parent.store.delete_run(parent.run_id)
    with pytest.raises(TrackingError, match="must be in the 'active' state"):
        parent.log(CHILDREN)


def test_names_and_values_do_not_break_the_table() -> None:
    children = [
        replace(child("a|b`c`\n[d](e)", accuracy=math.nan, text="x\\|y *z* _i_ a_b"), run_id="r"),
        replace(child("<b>&amp;", "FAILED", failure="@someone: http://host :smile:", text=""), run_id="s"),
    ]
    lines = describe_sweep(children, None, "max", {}, "7").splitlines()
    assert lines == [
        "2 trainings: 1 finished, 1 failed. "
        "[Compare them](#/compare-runs?runs=%5B%22r%22%2C%22s%22%5D&experiments=%5B%227%22%5D)",
        "",
        "| name&emsp; | status&emsp; | text |",
        "| --- | --- | --- |",
        r"| [a\|b\`c\` \[d\](e)](#/experiments/7/runs/r)&emsp; | finished&emsp; | x\\\|y \*z\* \_i\_ a_b |",
        r"| [&#60;b&#62;&#38;amp;](#/experiments/7/runs/s)&emsp; "
        r"| failed: \@someone: http&#58;//host &#58;smile:&emsp; | '' |",
    ]


def test_a_long_table_is_cut_and_says_so() -> None:
    short = [child(f"R{i}", accuracy=i / 100, C=i) for i in range(60)]
    text = describe_sweep(short, "accuracy", "max", {"C": list(range(60))}, "1")
    assert text.startswith("60 trainings over C (0, 1, 2, 3, 4, 5, …): 60 finished. The best is [R59]")
    assert "[Compare the first 25](#/compare-runs?runs=%5B%22" in text
    rows = re.findall(r"^\| \[(R\d+)\]", text, re.MULTILINE)
    assert (len(rows), rows[0], rows[-1]) == (50, "R59", "R10")
    assert text.endswith("\n\nHere are 50 of them; all are in `sweep/summary.csv`.")


def test_a_description_is_never_longer_than_a_tag() -> None:
    parameters = {f"p{i}": "|" * 100 for i in range(30)}
    grid = {name: ["|" * 100] * 30 for name in parameters}
    long = [replace(child("|" * 300, "FAILED", failure="<" * 900), parameters=parameters) for _ in range(60)]
    for of_grid in ({}, grid):
        text = describe_sweep(long, "accuracy", "max", of_grid, "1")
        assert len(text) <= 8000
        assert text.startswith("60 trainings")
    plain = [child(f"{'n' * 50}{i}", accuracy=0.5, C=0, D="v" * 60) for i in range(60)]
    text = describe_sweep(plain, "accuracy", "max", {"C": [0], "D": ["v" * 60]}, "1")
    rows = len(re.findall(r"^\| \[", text, re.MULTILINE))
    assert 7700 < len(text) <= 8000
    assert text.endswith(f"\n\nHere are {rows} of them; all are in `sweep/summary.csv`.")
