"""When a description is written, and when it is somebody else's."""

import json
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from tests.memory_server import FakeClock, MemoryClient
from tg.common.secrets import SecretMask
from tg_mlflow.description.progress import Progress
from tg_mlflow.description.sections import SECTIONS
from tg_mlflow.description.writing import end_described, is_own_description, write_description
from tg_mlflow.tracking.client import TrackingClient

NOTE = "mlflow.note.content"
TAGS = {"tg.place": "tg-process", "tg.job_id": "job-1"}


@pytest.fixture
def client() -> MemoryClient:
    return MemoryClient(patience_seconds=60, clock=FakeClock())


def make_run(client: MlflowClient, **tags: str) -> str:
    return str(client.create_run("7", tags={**TAGS, **tags}).info.run_id)


def read_note(client: MlflowClient, run_id: str) -> Any:
    return client.get_run(run_id).data.tags.get(NOTE)


def test_it_is_written_anew(client: MemoryClient) -> None:
    run_id = make_run(client)
    write_description(client, run_id)
    assert read_note(client, run_id) == "**In progress** at tg-process since 1970-01-01 00:00 UTC."
    client.requests.clear()
    write_description(client, run_id, progress=Progress(2, 4, "epoch", 60_000, 60))
    assert client.requests == ["get_run", "log_batch"]
    assert read_note(client, run_id).endswith(
        "By 00:01 UTC, epoch 2 of 4 was done; the rest takes about 1 min, until 00:02 UTC."
    )
    write_description(client, run_id, "KILLED")
    assert read_note(client, run_id).startswith("**Killed** at tg-process after")
    assert read_note(client, run_id).endswith("when epoch 2 of 4 was done.")


@pytest.mark.parametrize("note", ["mine", "", "**In progress** at tg-process since 1970-01-01 00:00 UTC. Mine."])
def test_what_somebody_has_made_of_it_stays(client: MemoryClient, note: str) -> None:
    run_id = make_run(client)
    write_description(client, run_id)
    client.set_tag(run_id, NOTE, note)
    write_description(client, run_id, "FINISHED")
    assert read_note(client, run_id) == note
    assert not is_own_description(client.get_run(run_id).data.tags)


def test_one_that_was_there_before_stays(client: MemoryClient) -> None:
    run_id = make_run(client, **{NOTE: "mine"})
    write_description(client, run_id, "FINISHED")
    tags = client.get_run(run_id).data.tags
    assert tags == {**TAGS, NOTE: "mine"}
    assert not is_own_description(tags)


@pytest.mark.parametrize("tag", ["no json", "[1]", '{"digest": 3}', '{"progress": {"done": 1}}', '{"trace": "x"}'])
def test_nothing_is_written_where_the_tag_is_damaged(client: MemoryClient, tag: str) -> None:
    run_id = make_run(client, **{NOTE: "who knows whose", "tg.description": tag})
    write_description(client, run_id, "FINISHED")
    assert read_note(client, run_id) == "who knows whose"


def test_the_metrics_of_folds_are_those_of_all_folds(client: MemoryClient) -> None:
    run_id = make_run(client)
    # The second split was trained twice, as after an interruption.
    points = [(0.5, 0, 1), (0.1, 1, 2), (0.7, 1, 3), (0.9, 2, 4)]
    client.log_batch(run_id, [Metric("fold_auc", *point[:1], point[2], point[1]) for point in points])
    client.log_batch(run_id, [Metric("auc", 0.7, 5, 0), Metric("fold_0_validation_loss", 1, 1, 0)])
    write_description(client, run_id, "FINISHED", Progress(3, 3, "fold", 5))
    assert read_note(client, run_id).split("\n\n")[1:] == [
        "| metric&emsp; | mean&emsp; | standard deviation&emsp; | folds |\n| --- | --- | --- | --- |\n"
        "| auc&emsp; | 0.7&emsp; | 0.2&emsp; | 3 |"
    ]


def test_figures_are_found_below_folders(client: MemoryClient) -> None:
    run_id = make_run(client)
    names = ["figures/0/roc.png", "figures/0/roc.csv", "figures/1/roc.PNG", "logs/x.png", "plots/a.html", "b.svg"]
    client.files = {(run_id, name): b"" for name in names}
    write_description(client, run_id, "FINISHED")
    page = f"#/experiments/7/runs/{run_id}/artifacts"
    assert read_note(client, run_id).split("\n\n")[1] == (
        f"Figures: [b]({page}/b.svg), [plots/a]({page}/plots/a.html), [0/roc]({page}/figures/0/roc.png), "
        "more among the artifacts."
    )
    assert client.requests.count("list_artifacts") == 4


def test_secrets_are_masked_and_it_is_known_again(store: MlflowClient) -> None:
    client = TrackingClient(store.tracking_uri, SecretMask(["tok_*4f5e6d"]))
    run_id = store.create_run(str(mlflow.tracking.fluent._get_experiment_id()), tags=TAGS).info.run_id
    output = ["Traceback (most recent call last):", '  File "a.py", line 1, in f', "    f('tok_*4f5e6d')"]
    output.append("ValueError: tok_*4f5e6d is wrong: \ud800 🏃")
    for status in ("RUNNING", "FAILED"):
        write_description(client, run_id, status, Progress(1, 2, "tok_*4f5e6d", 0), output)
    tags = store.get_run(run_id).data.tags
    assert "\n    f('***')\nValueError: *** is wrong: \\ud800 🏃\n```" in tags[NOTE]
    assert "when \\*\\*\\* 1 of 2 was done" in tags[NOTE]
    assert "4f5e6d" not in json.dumps(tags)
    assert is_own_description(tags)


AWAY = MlflowException("it is away")


@pytest.mark.parametrize("request_name", ["get_run", "log_batch", "get_metric_history"])
def test_a_server_that_is_away_is_waited_for_as_the_client_does(client: MemoryClient, request_name: str) -> None:
    run_id = make_run(client)
    client.log_batch(run_id, [Metric("fold_auc", 0.5, 1, 0)])
    client.faults[request_name] = [AWAY]
    write_description(client.without_patience(), run_id, "FINISHED", Progress(3, 3, "fold", 5))
    assert (read_note(client, run_id) is None) == (request_name != "get_metric_history")
    assert client._clock.pauses == []  # type: ignore[attr-defined]
    client.faults[request_name] = [AWAY, AWAY]
    write_description(client, run_id, "FINISHED", Progress(3, 3, "fold", 5))
    assert "| auc&emsp; | 0.5&emsp; |" in read_note(client, run_id)
    assert len(client._clock.pauses) == 2  # type: ignore[attr-defined]


def test_a_server_that_stays_away_fails_nothing(client: MemoryClient, caplog: pytest.LogCaptureFixture) -> None:
    run_id, client = make_run(client), client.without_patience()
    for status, messages in ((None, []), ("FINISHED", [f"Run {run_id} is not described: TrackingError: it is away"])):
        client.faults["log_batch"] = [AWAY]
        write_description(client, run_id, status)
        assert read_note(client, run_id) is None
        assert caplog.messages == messages


def test_an_artifact_store_that_is_away_is_not_waited_for(client: MemoryClient) -> None:
    run_id = make_run(client)
    client.faults["list_artifacts"] = [AWAY]
    write_description(client, run_id, "FINISHED")
    assert read_note(client, run_id).startswith("**Finished**")
    assert client._clock.pauses == []  # type: ignore[attr-defined]


def test_a_section_that_cannot_be_made_keeps_no_other_from_being_there(
    client: MemoryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(facts: Any) -> str:
        raise KeyError("of a tag of another version")

    monkeypatch.setattr("tg_mlflow.description.writing.SECTIONS", (fail, *SECTIONS))
    run_id = make_run(client)
    write_description(client, run_id)
    assert read_note(client, run_id).startswith("**In progress**")


def test_a_run_that_nobody_records_any_more_is_described_before_it_ends(client: MemoryClient) -> None:
    run_id = make_run(client)
    write_description(client, run_id)
    client.requests.clear()
    end_described(client, run_id, "KILLED")
    assert client.requests == ["get_run", "list_artifacts", "log_batch", "set_terminated"]
    assert read_note(client, run_id).startswith("**Killed**")
