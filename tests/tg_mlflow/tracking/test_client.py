"""A client that waits for a server that is away, and lets no secret through, also where a run is created."""

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    BAD_REQUEST,
    INTERNAL_ERROR,
    INVALID_PARAMETER_VALUE,
    PERMISSION_DENIED,
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
)

from tests.memory_server import FakeClock, MemoryClient, MemoryServer
from tg.common.secrets import SecretMask
from tg_mlflow.errors import BackendConfigError, TrackingError
from tg_mlflow.tracking.client import TrackingClient


def test_a_run_is_created_without_secrets(store: MlflowClient) -> None:
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    client = TrackingClient(store.tracking_uri, SecretMask.of_variables({"HUB_TOKEN": "tok-4f5e6d"}))
    tags = {"tg.sweep": '{"token": ["tok-4f5e6d", "none"]}', "mlflow.parentRunId": "4711"}
    created = client.create_run(experiment.experiment_id, tags=tags, run_name="T=tok-4f5e6d")
    run = store.get_run(created.info.run_id)
    assert run.info.run_name == "T=***"
    assert run.data.tags["tg.sweep"] == '{"token": ["***", "none"]}'
    assert run.data.tags["mlflow.parentRunId"] == "4711"
    assert client.create_run(experiment.experiment_id).info.run_name  # MLflow's own


def test_what_is_logged_is_without_secrets_whatever_it_is_called(store: MlflowClient) -> None:
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    client = TrackingClient(store.tracking_uri, SecretMask(["tok-4f5e6d"]))
    run_id = client.create_run(experiment.experiment_id, tags={"hub_token": "another"}).info.run_id
    client.set_tag(run_id, "db_password", "a third one")
    client.log_batch(
        run_id,
        metrics=[Metric("loss", 0.25, 1, 2)],
        params=[Param("api_key", "a fourth one"), Param("pad_token", "[PAD]")],
        tags=[RunTag("smtp_pass", "a fifth one"), RunTag("where", "db://me:pw@host")],
    )
    data = store.get_run(run_id).data
    assert data.metrics == {"loss": 0.25}
    assert data.params == {"api_key": "***", "pad_token": "[PAD]"}
    names = ("hub_token", "db_password", "smtp_pass", "where")
    assert [data.tags[name] for name in names] == ["***", "***", "***", "db://me:***@host"]


@pytest.mark.parametrize(
    ("source", "masked"),
    [
        ("https://me:pw@host/data.csv", "https://me:***@host/data.csv"),
        (
            "https://b.s3.amazonaws.com/k?X-Amz-Signature=0a1b&n=1",
            "https://b.s3.amazonaws.com/k?X-Amz-Signature=***&n=1",
        ),
        ("/data/token=abc/x.parquet", "/data/token=***/x.parquet"),
        ("s3://bucket/hf_abcdef/x.csv", "s3://bucket/***/x.csv"),
        ("s3://bucket/tokens=5/x.csv", "s3://bucket/tokens=5/x.csv"),
    ],
)
def test_the_source_of_a_dataset_is_without_secrets(store: MlflowClient, source: str, masked: str) -> None:
    client = TrackingClient(mask=SecretMask(["hf_abcdef"]))
    run_id = client.create_run("0").info.run_id
    schema = json.dumps({"mlflow_colspec": [{"name": "password", "type": "string", "required": True}]})
    dataset = Dataset(source, "1a2b", "http", json.dumps({"uri": source}), schema)
    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
    inputs = store.get_run(run_id).inputs
    assert inputs is not None
    (logged,) = inputs.dataset_inputs
    assert (logged.dataset.name, json.loads(logged.dataset.source)) == (masked, {"uri": masked})
    assert (logged.dataset.digest, logged.dataset.schema, logged.dataset.profile) == ("1a2b", schema, None)
    assert [(tag.key, tag.value) for tag in logged.tags] == [("mlflow.data.context", "training")]


def test_values_are_cut_when_they_are_masked(store: MlflowClient) -> None:
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    client = TrackingClient(store.tracking_uri, SecretMask(["tok-4f5e6d"]))
    run_id = client.create_run(experiment.experiment_id, tags={"first": "x" * 7995 + "tok-4f5e6d"}).info.run_id
    client.set_tag(run_id, "second", "x" * 7997 + "tok-4f5e6d and more")
    client.log_batch(
        run_id,
        params=[Param("param", "y" * 5995 + "tok-4f5e6d and more")],
        tags=[RunTag("third", "x" * 7999 + "tok-4f5e6d")],
    )
    data = store.get_run(run_id).data
    assert [data.tags[name][7990:] for name in ("first", "second", "third")] == ["xxxxx***", "xxxxxxx***", "xxxxxxxxx*"]
    assert data.params["param"][5990:] == "yyyyy*** a"


def test_what_a_store_cannot_hold_is_escaped(store: MlflowClient) -> None:
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    client = TrackingClient(store.tracking_uri, SecretMask(["tok-4f5e6d"]))
    run_id = client.create_run(experiment.experiment_id, run_name="half \udcff").info.run_id
    client.set_tag(run_id, "reason", "no \ud800 file \udcff.csv, no\0thing")
    client.log_batch(run_id, params=[Param("path", "\udcff.csv")])
    run = store.get_run(run_id)
    assert (run.info.run_name, run.data.params["path"]) == ("half \\udcff", "\\udcff.csv")
    assert run.data.tags["reason"] == "no \\ud800 file \\udcff.csv, no\\x00thing"


SECRETS = SecretMask(["tok-4f5e6d"])


AWAY = MlflowException("db://me:pw@host is away, tok-4f5e6d")
REFUSED = MlflowException("no tok-4f5e6d here", INVALID_PARAMETER_VALUE)


def connect(patience_seconds: float = 60) -> tuple[MemoryClient, FakeClock, str]:
    """Connects to a server in memory that has one run."""
    clock = FakeClock()
    client = MemoryClient(None, SECRETS, patience_seconds, clock)
    run_id = client.create_run("7").info.run_id
    client.requests.clear()
    return client, clock, run_id


def test_a_server_that_is_away_is_asked_again_with_growing_pauses(caplog: pytest.LogCaptureFixture) -> None:
    client, clock, run_id = connect()
    client.faults["set_tag"] = [AWAY, ConnectionError("refused"), *[AWAY] * 6]
    client.set_tag(run_id, "note", "it is tok-4f5e6d")
    assert clock.pauses == [0.5, 1, 2, 4, 8, 10, 10, 10]
    assert client.get_run(run_id).data.tags == {"note": "it is ***"}
    assert [record.message for record in caplog.records][:2] == [
        "The tracking server does not take a tag (db://me:***@host is away, ***); it is asked again",
        "The tracking server does not take a tag (refused); it is asked again",
    ]


def test_a_server_that_stays_away_is_given_up() -> None:
    client, clock, run_id = connect(patience_seconds=5)
    client.faults["log_batch"] = [AWAY] * 100
    with pytest.raises(TrackingError) as raised:
        client.log_batch(run_id, params=[Param("rate", "1")])
    assert str(raised.value) == "db://me:***@host is away, ***"
    assert (raised.value.is_final, raised.value.is_refusal) == (False, False)
    assert raised.value.__suppress_context__
    assert raised.value.__cause__ is None  # it shows a password
    assert clock.pauses == [0.5, 1, 2, 1.5]


@pytest.mark.parametrize(
    ("code", "is_final", "is_refusal"),
    [
        (INVALID_PARAMETER_VALUE, True, True),
        (RESOURCE_DOES_NOT_EXIST, True, False),
        (PERMISSION_DENIED, True, False),
        (RESOURCE_ALREADY_EXISTS, True, False),
        (BAD_REQUEST, False, False),  # as of two runs that are the first to log one dataset
        (INTERNAL_ERROR, False, False),
    ],
)
def test_only_a_final_answer_is_not_asked_for_again(code: int, is_final: bool, is_refusal: bool) -> None:
    client, clock, run_id = connect(patience_seconds=0.5)
    client.faults["get_run"] = [MlflowException("no", code)] * 2
    with pytest.raises(TrackingError, match=r"^no$") as raised:
        client.get_run(run_id)
    assert (raised.value.is_final, raised.value.is_refusal) == (is_final, is_refusal)
    assert clock.pauses == ([] if is_final else [0.5])


def test_what_is_too_large_for_a_proxy_may_be_taken_in_parts() -> None:
    client, clock, run_id = connect(patience_seconds=0.5)
    text = "API request to endpoint /api/2.0/mlflow/runs/log-batch failed with error code 413 != 200"
    client.faults["log_batch"] = [MlflowException(text, INTERNAL_ERROR)]
    with pytest.raises(TrackingError, match="error code 413") as raised:
        client.log_batch(run_id, metrics=[])
    assert (raised.value.is_final, raised.value.is_refusal, clock.pauses) == (True, True, [])


def test_all_requests_wait_together_for_one_absence() -> None:
    client, clock, run_id = connect(patience_seconds=5)
    client.faults = {"set_tag": [AWAY] * 100, "set_terminated": [AWAY] * 2}
    with pytest.raises(TrackingError):
        client.set_tag(run_id, "note", "x")
    waited = list(clock.pauses)
    with pytest.raises(TrackingError):  # it is asked once more, but not waited for
        client.set_terminated(run_id, "FAILED")
    assert (clock.pauses, client.requests.count("set_terminated")) == (waited, 1)
    client.get_run(run_id)  # it is back
    client.set_terminated(run_id, "FAILED")
    assert clock.pauses == [*waited, 0.5]


def test_an_absence_of_long_ago_is_forgotten() -> None:
    client, clock, run_id = connect(patience_seconds=5)
    client.faults = {"set_tag": [AWAY] * 5, "get_run": [AWAY]}
    with pytest.raises(TrackingError):
        client.set_tag(run_id, "note", "x")
    clock.now += 3600
    assert client.get_run(run_id).info.run_id == run_id
    assert clock.pauses == [0.5, 1, 2, 1.5, 0.5]


def test_a_request_that_alone_fails_is_given_up_while_others_are_answered() -> None:
    client, clock, run_id = connect(patience_seconds=5)
    client.faults["log_batch"] = [AWAY] * 100
    other = clock.sleep

    def ask_meanwhile(seconds: float, /) -> None:
        other(seconds)
        client.get_run(run_id)

    clock.sleep = ask_meanwhile  # type: ignore[method-assign]
    with pytest.raises(TrackingError):
        client.log_batch(run_id, metrics=[Metric("loss", 0.5, 1, 0)])
    assert clock.pauses == [0.5, 1, 2, 1.5]


def test_without_patience_each_request_is_sent_once() -> None:
    client, clock, run_id = connect()
    client.faults["set_tag"] = [AWAY, AWAY]
    once = client.without_patience()
    with pytest.raises(TrackingError, match="is away"):
        once.set_tag(run_id, "note", "x")
    assert (once.patience_seconds, client.patience_seconds, clock.pauses) == (0, 60, [])
    client.set_tag(run_id, "note", "tok-4f5e6d")
    assert clock.pauses == [0.5]
    once.set_tag(run_id, "other", "tok-4f5e6d")
    assert client.get_run(run_id).data.tags == {"note": "***", "other": "***"}


def test_a_method_that_calls_another_one_waits_once() -> None:
    class Nesting(MemoryServer):
        def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
            self.set_tag(run_id, "file", artifact_file)  # as MLflow's log_table does

    class NestingClient(TrackingClient, Nesting):
        pass

    clock = FakeClock()
    client = NestingClient(None, SECRETS, 5, clock)
    run_id = client.create_run("7").info.run_id
    client.faults["set_tag"] = [AWAY, AWAY]
    with pytest.raises(TrackingError, match="is away") as raised:
        client.log_text(run_id, "hello", "hello.txt")
    assert raised.value.is_final  # the server has answered between the two
    assert client.requests == ["create_run", "set_tag", "get_run", "set_tag"]
    assert clock.pauses == []
    client.log_text(run_id, "hello", "of tok-4f5e6d.txt")
    assert client.get_run(run_id).data.tags == {"file": "of ***.txt"}


def test_files_are_sent_again_when_the_server_is_back(tmp_path: Path) -> None:
    client, clock, run_id = connect()
    path = tmp_path / "some.txt"
    path.write_bytes(b"hello")
    client.faults = {"log_artifact": [AWAY], "get_run": [AWAY, AWAY]}
    client.log_artifact(run_id, str(path), "folder")
    assert client.files == {(run_id, "folder/some.txt"): b"hello"}
    assert client.requests == ["log_artifact", "get_run", "get_run", "get_run", "log_artifact"]
    assert clock.pauses == [0.5, 1]


def test_a_store_that_takes_no_files_is_not_waited_for(tmp_path: Path) -> None:
    client, clock, run_id = connect()
    broken = RuntimeError("bucket tok-4f5e6d is gone")
    client.faults["log_artifact"] = [broken] * 3
    with pytest.raises(TrackingError, match=r"^bucket \*\*\* is gone$") as raised:
        client.log_artifact(run_id, str(tmp_path))
    # Its cause would show the secret in a traceback.
    assert (raised.value.is_final, raised.value.__cause__, clock.pauses) == (True, None, [])
    assert client.requests == ["log_artifact", "get_run", "log_artifact"]
    with pytest.raises(TrackingError, match="bucket"):
        client.without_patience().log_artifact(run_id, str(tmp_path))
    assert client.requests[3:] == ["log_artifact", "get_run"]


def test_files_of_a_server_that_stays_away_are_not_refused(tmp_path: Path) -> None:
    client, clock, run_id = connect(patience_seconds=1)
    client.faults = {"log_artifact": [RuntimeError("no bucket")], "get_run": [AWAY] * 9}
    with pytest.raises(TrackingError, match="is away") as raised:
        client.log_artifact(run_id, str(tmp_path))
    assert (raised.value.is_final, clock.pauses) == (False, [0.5, 0.5])


def test_an_action_is_repeated_until_the_answer_is_final() -> None:
    client, clock, _ = connect()
    client.faults["create_run"] = [AWAY, AWAY, REFUSED]
    with pytest.raises(TrackingError, match=r"^no \*\*\* here$"):
        client.repeat(lambda: client.without_patience().create_run("7"), "a new run")
    assert clock.pauses == [0.5, 1]


def test_an_interrupt_ends_the_waiting() -> None:
    client, clock, run_id = connect()
    client.faults["set_terminated"] = [AWAY] * 3

    def interrupt(seconds: float, /) -> None:
        raise KeyboardInterrupt

    clock.sleep = interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        client.set_terminated(run_id, "KILLED")
    assert client.requests == ["set_terminated"]


def test_how_long_a_server_may_be_away_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TG_TRACKING_PATIENCE_SECONDS", raising=False)
    assert MemoryClient().patience_seconds == 300
    monkeypatch.setenv("TG_TRACKING_PATIENCE_SECONDS", "1.5")
    assert MemoryClient().patience_seconds == 1.5
    assert MemoryClient(patience_seconds=7).patience_seconds == 7
    assert MemoryClient(patience_seconds=0).with_patience().patience_seconds == 1.5
    for text in ("soon", "-1", "nan"):
        monkeypatch.setenv("TG_TRACKING_PATIENCE_SECONDS", text)
        with pytest.raises(BackendConfigError, match=f"^TG_TRACKING_PATIENCE_SECONDS is '{text}'; give a number"):
            MemoryClient()


def test_only_what_is_masked_already_is_set_as_it_is() -> None:
    client = MemoryClient(mask=SecretMask(["O"]))
    run_id = client.create_run("0").info.run_id
    client.set_masked_tags(run_id, {"tg.state": '{"config":{"secrets":["FOO"]}}'})
    client.log_batch(run_id, tags=[RunTag("secrets", "O, that"), RunTag("note", "FOO")])
    assert client.get_run(run_id).data.tags == {
        "tg.state": '{"config":{"secrets":["FOO"]}}',
        "secrets": "***",
        "note": "F******",
    }
