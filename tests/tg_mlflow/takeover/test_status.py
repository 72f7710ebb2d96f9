"""Where a run stands, and what its job says."""

from pathlib import Path

import pytest

from tests.memory_server import MemoryClient
from tests.tg_mlflow.memory_jobs import start_job
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.takeover.status import describe_status, show_log
from tg_mlflow.testing.memory_executor import MemoryExecutor

TAGS = {"tg.place": "memory", "tg.job_id": "job", "tg.secrets": '["HUB_TOKEN"]'}


def read_log(client: MemoryClient, run_id: str) -> bytes:
    shown = bytearray()
    show_log(client, client.get_run(run_id), False, lambda event: shown.extend(event.data))
    return bytes(shown)


def test_the_status_of_a_run_that_nobody_records(executor: MemoryExecutor) -> None:
    client = MemoryClient()
    job = start_job(client, executor, **TAGS)
    assert describe_status(client, client.get_run(job.run_id)).splitlines() == [
        f"run {job.run_id} RUNNING",
        "job job running",
        f"no process of this machine records it; `tg-mlflow attach {job.run_id}` does",
    ]


def test_the_status_of_a_run_that_has_failed(executor: MemoryExecutor) -> None:
    client = MemoryClient()
    run_id = client.create_run("7", tags={**TAGS, "tg.failure_reason": "no luck"}).info.run_id
    client.set_terminated(run_id, "FAILED")
    assert describe_status(client, client.get_run(run_id)).splitlines() == [
        f"run {run_id} FAILED: no luck",
        "job job is not kept any more",
    ]


def test_a_status_is_shown_without_secrets(executor: MemoryExecutor) -> None:
    client = MemoryClient()
    run_id = client.create_run("7", tags=TAGS).info.run_id
    client.set_terminated(run_id, "FAILED")
    run = client.get_run(run_id)
    run.data.tags["tg.failure_reason"] = "no login at db://me:pw@host?token=abc"  # as an earlier version wrote it
    assert (
        describe_status(client, run).splitlines()[0] == f"run {run_id} FAILED: no login at db://me:***@host?token=***"
    )


def test_the_log_of_a_job_is_shown_without_secrets(executor: MemoryExecutor) -> None:
    client = MemoryClient()
    job = start_job(client, executor, **TAGS)
    assert read_log(client, job.run_id) == b"hello ***\n"


def test_what_the_run_has_is_shown_when_nothing_of_the_job_is_kept(executor: MemoryExecutor, tmp_path: Path) -> None:
    client = MemoryClient()
    run_id = client.create_run("7", tags=TAGS).info.run_id
    with pytest.raises(RunNotOursError, match=r"has no log yet, and of its job: there is no job 'job'"):
        read_log(client, run_id)
    log = tmp_path / "train.log"
    log.write_bytes(b"one\ntwo\n")
    client.log_artifact(run_id, str(log), "logs")
    assert read_log(client, run_id) == b"one\ntwo\n"
