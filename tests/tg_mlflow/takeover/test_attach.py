"""What `attach` says and does to a run that has ended."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput

from tests.memory_server import MemoryClient
from tests.tg_mlflow.memory_jobs import make_executor, start_job
from tests.tg_mlflow.takeover.conftest import MemoryPlace
from tg.common.errors import StorageError
from tg_mlflow.errors import LogMissingError, RecordingError
from tg_mlflow.takeover.attach import attach
from tg_mlflow.takeover.cancellation import cancel
from tg_mlflow.testing.memory_executor import Line, MemoryExecutor
from tg_mlflow.tracking.client import TrackingClient

TAGS = {"tg.place": "memory", "tg.job_id": "job", "tg.state": "{}", "tg.version": "0.1.0"}
MISSING = {"tg.missing_log": "3 of its 9 bytes are here", "tg.failure_reason": "the log of job job is not whole"}


@pytest.fixture
def client(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryClient:
    client = MemoryClient()
    monkeypatch.setattr("tg_mlflow.takeover.attach.TrackingClient", lambda uri, mask: client)
    return client


@pytest.mark.parametrize(
    ("status", "tags", "said"),
    [
        ("FINISHED", {}, "is FINISHED and complete: there is nothing to do"),
        ("KILLED", {}, "is KILLED, and recorded to its end: there is nothing to do"),
        (
            "FAILED",
            {"tg.failure_reason": "no luck"},
            "is FAILED (no luck), and recorded to its end: there is nothing to do",
        ),
    ],
)
def test_a_run_that_has_ended_is_left_as_it_is(
    client: MemoryClient,
    executor: MemoryExecutor,
    caplog: pytest.LogCaptureFixture,
    status: str,
    tags: dict[str, str],
    said: str,
) -> None:
    run_id = client.create_run("7", tags={**TAGS, **tags}).info.run_id
    client.set_terminated(run_id, status)
    attach(client, run_id)
    assert caplog.messages == [f"Run {run_id} {said}"]
    assert client.get_run(run_id).info.status == status


@pytest.mark.parametrize("missing_log", [None, "6 of its 9 bytes are here"])
def test_a_log_that_was_not_whole_is_read_again(
    client: MemoryClient, monkeypatch: pytest.MonkeyPatch, missing_log: str | None
) -> None:
    executor = make_executor([Line(0, "###METRIC###loss:0.5###")], seconds=0)
    monkeypatch.setattr(executor, "find_missing_log", lambda job_id, taken_bytes: missing_log, raising=False)
    monkeypatch.setattr("tg_mlflow.takeover.run_job.list_places", lambda: {"memory": MemoryPlace(executor)})
    monkeypatch.setattr("tg_mlflow.training.job_watch.log_result", lambda *_: {})
    job = start_job(client, executor, **TAGS, **MISSING)
    client.set_terminated(job.run_id, "FAILED")
    failure = None
    try:
        attach(client, job.run_id)
    except LogMissingError as error:
        failure = str(error)
    run = client.get_run(job.run_id)
    assert run.data.metrics == {"loss": 0.5}
    if missing_log is None:
        assert (failure, run.info.status) == (None, "FINISHED")
        assert not {"tg.missing_log", "tg.failure_reason"} & run.data.tags.keys()
    else:
        assert failure == f"the log of job job is not whole: {missing_log}; its results are in the run"
        assert (run.info.status, run.data.tags["tg.missing_log"]) == ("FAILED", missing_log)


def test_a_run_that_has_finished_and_is_not_registered_yet_is_then(
    store: MlflowClient, executor: MemoryExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    client = TrackingClient(store.tracking_uri)
    experiment = store.get_experiment_by_name("test").experiment_id
    run_id = store.create_run(experiment, tags={**TAGS, "tg.register": '{"name": "wine"}'}).info.run_id
    model = store.create_logged_model(experiment, "model", run_id)
    store.finalize_logged_model(model.model_id, "READY")
    store.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
    store.set_terminated(run_id)
    attach(client, run_id)
    assert caplog.messages[-1] == "Registered version 1 of wine"
    assert [each.run_id for each in store.search_model_versions("name = 'wine'")] == [run_id]


@pytest.mark.parametrize("command", [attach, cancel])
def test_a_job_whose_files_the_disk_does_not_give_now_is_left_for_later(
    client: MemoryClient, monkeypatch: pytest.MonkeyPatch, command: Callable[[MemoryClient, str], None]
) -> None:
    executor = make_executor([Line(0, "hello")])
    monkeypatch.setattr("tg_mlflow.takeover.run_job.list_places", lambda: {"memory": MemoryPlace(executor)})
    job = start_job(client, executor, **TAGS)

    def refuse(job_id: str) -> None:
        raise StorageError("'exit.json' cannot be read: I/O error")

    for name in ("status", "cancel"):
        monkeypatch.setattr(executor, name, refuse)
    with pytest.raises(StorageError, match=r"'exit\.json' cannot be read"):
        command(client, job.run_id)
    assert client.get_run(job.run_id).info.status == "RUNNING"


@pytest.mark.parametrize("command", [attach, cancel])
def test_a_full_disk_of_this_machine_is_not_the_jobs_failure(
    client: MemoryClient, monkeypatch: pytest.MonkeyPatch, command: Callable[[MemoryClient, str], None]
) -> None:
    executor = make_executor([Line(0, "hello")])
    monkeypatch.setattr("tg_mlflow.takeover.run_job.list_places", lambda: {"memory": MemoryPlace(executor)})
    job = start_job(client, executor, **TAGS)

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/full/train.log")

    monkeypatch.setattr("tg_mlflow.takeover.rest.RunRecorder", refuse)
    with pytest.raises(RecordingError) as caught:
        command(client, job.run_id)
    assert str(caught.value) == (
        f"run {job.run_id} cannot be recorded now (OSError: [Errno 28] No space left on device: '/full/train.log'); "
        f"what job job has said and made is kept: when that is settled, run `tg-mlflow attach {job.run_id}`"
    )
    assert client.get_run(job.run_id).info.status == "RUNNING"
    assert executor.has_submitted("job")
