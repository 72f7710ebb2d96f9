"""Runs that are trained again from what they remember, in this process."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.support import ProjectFolder, all_runs
from tg.common import TgError
from tg.common.errors import DatasetError
from tg_mlflow.errors import BackendConfigError, RunNotOursError
from tg_mlflow.reproduction.planned_training import WantedTraining
from tg_mlflow.reproduction.reproduction import reproduce
from tg_mlflow.reproduction.verdict import Verdict
from tg_mlflow.tracking.client import TrackingClient

pytestmark = pytest.mark.usefixtures("jobs")

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask

    RATE = 0.1


    class Summing(AbstractTrainingTask):
        def __init__(self, start, fails):
            super().__init__()
            self.start, self.fails = start, fails

        def run_with_environment(self, data, environment):
            value = self.start + sum(data.read_bytes()) / 7
            for step in range(4):
                environment.output_metric("value", value + RATE * step, step)
                if self.fails and step == 2:
                    raise ValueError("enough")


    def build_task(start: float = 1.0, fails: bool = False):
        return Summing(start, fails)
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {start: {type: float, default: 1.0}, fails: {default: "false"}}
        command: "tg-mlflow train tasks:build_task start={start} fails={fails}"
"""


@pytest.fixture
def summing(project: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProjectFolder]:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", '{"dataset": "numbers.bin"}')
    project.write("datasets/points/numbers.bin", "1234")
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield project
    for name in [name for name in sys.modules if name.startswith("Summing__")]:
        del sys.modules[name]  # as in a new process: another test's package has the same name


def train(project: ProjectFolder, **parameters: Any) -> None:
    mlflow.projects.run(str(project.path), backend="tg-attached", parameters=parameters, synchronous=False).wait()


def train_again(store: MlflowClient, **wanted: Any) -> Verdict:
    return reproduce(TrackingClient(store.tracking_uri), WantedTraining(the_run(store).info.run_id, **wanted))


def the_run(store: MlflowClient) -> Run:
    (run,) = [run for run in all_runs(store) if "tg.reproduces" not in run.data.tags]
    return run


def test_a_run_is_reproduced_when_its_project_is_gone(
    summing: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    train(summing, start=2.5)
    shutil.move(summing.path / "datasets", tmp_path / "kept")
    shutil.rmtree(summing.path)
    verdict = train_again(store, config={"datasets_folder": str(tmp_path / "kept")})
    summary = "identical to the last digit: 4 points of 1 metric"
    assert (verdict.is_identical, verdict.summary) == (True, summary)
    old, new = the_run(store), store.get_run(verdict.run_id)
    assert (new.data.tags["tg.reproduces"], new.data.tags["tg.verdict"]) == (old.info.run_id, summary)
    assert old.data.tags["tg.reproduced_by"] == f"{new.info.run_id}: {summary}"
    assert new.info.run_name == f"{old.info.run_name} reproduced"
    assert new.info.experiment_id == old.info.experiment_id
    assert new.data.params == old.data.params == {"start": "2.5", "fails": "false"}
    assert new.data.tags["tg.package_sha256"] == old.data.tags["tg.package_sha256"]
    assert new.data.tags["mlflow.source.name"] == str(summing.path)
    assert "4 points of 1 metric" in new.data.tags["mlflow.note.content"]
    assert new.info.run_id in old.data.tags["mlflow.note.content"]
    content = json.loads(mlflow.artifacts.load_text(f"runs:/{new.info.run_id}/reproduction.json"))
    assert (content["identical"], content["equal_points"]) == (True, 4)


def test_a_run_with_a_configuration_longer_than_a_tag_is_reproduced(
    summing: ProjectFolder, store: MlflowClient
) -> None:
    tags = {"first": "1" * 6000, "second": "2" * 6000}
    summing.write("tg.json", json.dumps({"dataset": "numbers.bin", "tags": tags}))
    train(summing)
    assert {"tg.state", "tg.state.2", "tg.state.3"} <= set(the_run(store).data.tags)
    summing.write("tg.json", "{}")
    verdict = train_again(store)
    assert (verdict.is_identical, verdict.causes) == (True, ())
    assert tags.items() <= store.get_run(verdict.run_id).data.tags.items()


def test_a_changed_dataset_is_refused_unless_it_is_wanted(summing: ProjectFolder, store: MlflowClient) -> None:
    train(summing)
    summing.write("datasets/points/numbers.bin", "1235")
    summing.write("tasks.py", "raise AssertionError('not of the package')")
    with pytest.raises(DatasetError, match=r"has changed: its digest is .*; bring the same data, or train on these"):
        train_again(store)
    assert len(all_runs(store)) == 1
    verdict = train_again(store, allows_changed_data=True)
    assert verdict.summary.startswith("differs first in value at step 0: 29.857142857142858 and 30.0; ")
    assert [each.kind for each in verdict.causes] == ["data"]


def test_a_changed_channel_is_refused_unless_it_is_wanted_and_is_named_as_the_cause(
    summing: ProjectFolder, store: MlflowClient
) -> None:
    summing.write("tg.json", '{"dataset": "numbers.bin", "channels": {"words": "words", "notes": "notes.txt"}}')
    summing.write("words/a.txt", "one")
    summing.write("notes.txt", "fine")
    train(summing)
    summing.write("words/a.txt", "two")
    with pytest.raises(DatasetError) as caught:
        train_again(store)
    assert str(caught.value) == (
        f"the content of channel words, '{summing.path / 'words'}', has changed: its digest is "
        "266d7b5d4fe4ffe2249113bf79217ebe, and the run was trained on 04850079809654c634318a880b805851; bring the same "
        "data, or train on these with --changed-data"
    )
    verdict = train_again(store, allows_changed_data=True)
    assert [(each.kind, each.name) for each in verdict.causes] == [("data", "content of channel words")]
    (summing.path / "notes.txt").unlink()
    with pytest.raises(DatasetError, match=r"channel 'notes' is '.*/notes\.txt', which does not exist"):
        train_again(store)


def test_a_failed_run_is_reproduced_as_far_as_it_got(summing: ProjectFolder, store: MlflowClient) -> None:
    train(summing, fails=True)
    verdict = train_again(store)
    assert store.get_run(verdict.run_id).info.status == "FAILED"
    assert verdict.summary == (
        "identical to the last digit: 3 points of 1 metric, which is all that the run has, as it is FAILED"
    )
    again = train_again(store, hyperparameters={"fails": "false"})
    assert (again.is_identical, store.get_run(again.run_id).info.status) == (True, "FINISHED")
    assert ("fails", "True", "false") in [(each.name, each.first, each.second) for each in again.causes]
    assert store.get_run(again.run_id).data.params["fails"] == "false"


def test_an_error_of_the_packages_own_library_is_one_line_as_in_the_run(
    summing: ProjectFolder, store: MlflowClient, caplog: pytest.LogCaptureFixture
) -> None:
    line = "4 rows are too few; bring more"
    tasks = TASKS.replace("RATE = 0.1", "from tg.common import DatasetError\n\n    RATE = 0.1")
    summing.write("tasks.py", tasks.replace('ValueError("enough")', f'DatasetError("{line}")'))
    train(summing, fails=True)
    verdict = train_again(store)
    new = store.get_run(verdict.run_id)
    assert new.data.tags["tg.failure_reason"] == the_run(store).data.tags["tg.failure_reason"] == line
    assert f"Run {verdict.run_id} FAILED: {line}" in caplog.messages
    assert "Traceback" not in caplog.text
    assert "Traceback" not in mlflow.artifacts.load_text(f"runs:/{verdict.run_id}/logs/train.log")


def test_what_cannot_be_reproduced_is_said_in_a_line(summing: ProjectFolder, store: MlflowClient) -> None:
    train(summing)
    run_id, tags = the_run(store).info.run_id, the_run(store).data.tags
    for tag, value, message in (
        ("tg.sweep", "{}", "is a sweep; give the id of one of its trainings' runs"),
        ("tg.place", "tg-moon", "is from the place 'tg-moon', which is not installed here"),
        ("tg.state", "{", r"the tag tg\.state of run .* is damaged"),
        (
            "tg.state",
            '{"config": {"tags": {"a": "***"}}}',
            "'tags' of run .* has a secret, which the run does not keep",
        ),
        (
            "tg.state",
            '{"config": {"detach": true, "cpus": 2, "dataset": 3}}',
            "the configuration of run .* cannot be used: dataset",
        ),
        (
            "tg.package_sha256",
            "abc",
            "the package of run .* is not what was trained: its SHA-256 is .*, and that was abc",
        ),
    ):
        store.set_tag(run_id, tag, value)
        with pytest.raises(TgError, match=message):
            train_again(store)
        store.set_tag(run_id, tag, tags[tag]) if tag in tags else store.delete_tag(run_id, tag)
    with pytest.raises(BackendConfigError, match="detach does not go with a run that is compared when it has ended"):
        train_again(store, place="tg-process", config={"detach": True})
    store.update_run(run_id, "RUNNING")
    with pytest.raises(RunNotOursError, match="is RUNNING; wait until it has ended"):
        train_again(store)
    assert len(all_runs(store)) == 1


def test_a_run_without_a_package_cannot_be_reproduced(store: MlflowClient) -> None:
    experiment = store.get_experiment_by_name("test")
    run = store.create_run(experiment.experiment_id, tags={"tg.place": "tg-attached"})
    store.set_terminated(run.info.run_id, "KILLED")
    with pytest.raises(RunNotOursError, match="has no package, so it cannot be trained again"):
        train_again(store)
