"""The list of our runs, and how it is shown."""

import json
import os
from typing import Any

import pytest
from mlflow import MlflowClient

from tg.common.delivery.sagemaker.job_files.process_supervisor import describe_process
from tg.common.secrets import SecretMask
from tg_mlflow.description.progress import Progress
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.listing.run_list import ListedRun, RunList, list_runs
from tg_mlflow.listing.run_table import format_json, format_table
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import launching

NOBODY = "no process of this machine records it"


class Store:
    """Makes runs, each a second after the one before."""

    def __init__(self, client: MlflowClient) -> None:
        self.client = client
        experiment = client.get_experiment_by_name("test")
        assert experiment is not None
        self.experiment_id = experiment.experiment_id
        self._moment = 1_000_000

    def create(self, name: str, status: str = "RUNNING", **tags: str) -> str:
        self._moment += 1000
        tags = {"tg.version": "0.1", "tg.place": "tg-process", **tags}
        run = self.client.create_run(self.experiment_id, start_time=self._moment, tags=tags, run_name=name)
        run_id = str(run.info.run_id)
        if status != "RUNNING":
            self.client.set_terminated(run_id, status, self._moment + 90_000)
        return run_id


@pytest.fixture
def runs(store: MlflowClient) -> Store:
    return Store(store)


def read(**options: Any) -> RunList:
    return list_runs(TrackingClient(patience_seconds=0), **options)


def test_the_newest_runs_come_first_and_those_left_out_are_counted(runs: Store) -> None:
    for name in ("a", "b", "c"):
        runs.create(name, "FINISHED" if name == "a" else "FAILED")
    runs.client.create_run(runs.experiment_id)  # not ours
    listed = read(most=2)
    assert ([each.name for each in listed.runs], listed.left_out, len(listed.ids)) == (["c", "b"], 1, 3)
    assert ([each.name for each in read(states=["FINISHED"]).runs], read(states=["KILLED"]).runs) == (["a"], [])
    assert [each.name for each in read(experiment_name="test").runs] == ["c", "b", "a"]
    with pytest.raises(RunNotOursError, match="there is no experiment 'tset' in sqlite"):
        read(experiment_name="tset")


def test_a_run_that_has_ended(runs: Store) -> None:
    state = json.dumps({"config": {"primary_metric": "loss"}})
    run_id = runs.create("plain-fox", "FAILED", **{"tg.failure_reason": "no luck", "tg.state": state})
    for name, value in {"accuracy": 0.5, "loss": 0.25, "tg.cost_usd": 7, "fold_a": 1}.items():
        runs.client.log_metric(run_id, name, value)
    assert read().runs == [
        ListedRun(run_id, "plain-fox", "FAILED", "tg-process", 1_001_000, 90.0, "no luck", None, ("loss", 0.25))
    ]


@pytest.mark.parametrize(
    ("metrics", "headline"),
    [
        ({"b": 1.0, "a_train": 2.0}, ("b", 1.0)),
        ({"a_train": 2.0, "system/cpu": 3.0, "tg.x": 4.0, "fold_a": 5.0}, ("a_train", 2.0)),
        ({"system/cpu": 3.0}, None),
    ],
)
@pytest.mark.parametrize(
    "state", ["damaged", '{"config":{"primary_metric":["b"]}}', '{"config":{"primary_metric":"x"}}']
)
def test_the_headline_metric(
    runs: Store, metrics: dict[str, float], headline: tuple[str, float] | None, state: str
) -> None:
    run_id = runs.create("fox", "FINISHED", **{"tg.state": state})
    for name, value in metrics.items():
        runs.client.log_metric(run_id, name, value)
    assert read().runs[0].metric == headline


def test_what_is_said_of_a_run_that_goes_on(runs: Store) -> None:
    progress = json.dumps({"digest": "x", "progress": {"done": 3, "of": 10, "unit": "fold", "time_ms": 1}})
    run_id = runs.create("fox", **{"tg.description": progress, "tg.waiting": "no quota is left"})
    client = TrackingClient(patience_seconds=0)
    with launching(client, run_id):
        own = json.loads(runs.client.get_run(run_id).data.tags["tg.launcher"])
    assert (read().runs[0].note, read().runs[0].progress) == (NOBODY, Progress(3, 10, "fold", 1))
    for launcher, note in (
        ({**describe_process(os.getppid()), "marker": None}, "waiting: no quota is left"),
        ({"host": "tower"}, "its last launcher was on tower"),
    ):
        runs.client.set_tag(run_id, "tg.launcher", json.dumps({**own, **launcher}))
        assert read().runs[0].note == note


def test_a_sweep_is_one_run_with_the_newest_state_of_each_training(runs: Store) -> None:
    sweep = runs.create("grid", "FINISHED", **{"tg.sweep": "{}"})
    runs.client.log_metric(sweep, "tg.sweep_not_started", 2)
    for name, status in (("C=1", "KILLED"), ("C=2", "FAILED"), ("C=1", "FINISHED")):
        runs.create(name, status, **{"mlflow.parentRunId": sweep, "tg.sweep_name": name})
    listed = read(states=["FINISHED"])
    assert [(each.run_id, each.trainings) for each in listed.runs] == [
        (sweep, {"FINISHED": 1, "FAILED": 1, "NOT STARTED": 2})
    ]
    assert (listed.left_out, len(listed.ids)) == (0, 4)


def test_the_server_is_asked_once_for_a_thousand_runs(runs: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        runs.create(name)
    client = TrackingClient(patience_seconds=0)
    asked: list[int] = []
    search = client.search_runs

    def note(*given: Any, **named: Any) -> Any:
        asked.append(named["max_results"])
        return search(*given, **named)

    monkeypatch.setattr(client, "search_runs", note)
    monkeypatch.setattr(client, "get_run", None)
    list_runs(client)
    assert asked == [1000]


LISTED = RunList(
    [
        ListedRun(
            "0123456789abcdef" * 2,
            "fox\n-pw-12345",
            "RUNNING",
            "tg-local",
            1_700_000_000_000,
            75,
            NOBODY,
            Progress(3, 10, "fold", 1),
            ("auc", 0.8290497738),
        ),
        ListedRun("ab" * 16, "x" * 50, "FAILED", None, 1_600_000_000_000, 0.2, "at db://me:secret@host\n" + "y" * 90),
        ListedRun(
            "cd" * 16,
            "grid",
            "FINISHED",
            None,
            1_700_000_000_000,
            90_000,
            None,
            None,
            None,
            {"FINISHED": 3, "FAILED": 1},
        ),
    ],
    4,
    ["0123456789abcdef" * 2, "ab" * 16, "cd" * 16],
)


def test_the_table() -> None:
    assert list(format_table(LISTED, 1_700_000_200_000, SecretMask(["pw-12345"]))) == [
        "ID        STATE     NAME                                      PLACE     AGE         TOOK           RESULT",
        "01234567  RUNNING   fox -***                                  tg-local  3 min 20 s  1 min 15 s     "
        "3 of 10 folds; auc 0.82905; no process of this machine records it",
        "abababab  FAILED    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…            1157 d 9 h  less than 1 s  "
        f"at db://me:***@host {'y' * 59}…",
        "cdcdcdcd  FINISHED  grid                                      sweep     3 min 20 s  25 h           "
        "trainings: 1 FAILED, 3 FINISHED",
        "and 4 more; `-n 7` lists all",
    ]
    assert list(format_table(RunList([], 0, []), 0, SecretMask())) == ["no run of tg-mlflow is such"]


def test_json() -> None:
    said = json.loads(format_json(LISTED, SecretMask(["pw-12345"])))
    assert (len(said["runs"]), said["left_out"]) == (3, 4)
    assert said["runs"][0] == {
        "run_id": "0123456789abcdef0123456789abcdef",
        "name": "fox\n-***",
        "state": "RUNNING",
        "place": "tg-local",
        "started": "2023-11-14T22:13:20.000+00:00",
        "seconds": 75,
        "progress": {"done": 3, "of": 10, "unit": "fold"},
        "metric": {"name": "auc", "value": 0.8290497738},
        "trainings": {},
        "note": NOBODY,
    }
