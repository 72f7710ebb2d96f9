"""Where a run stands, and what its job says."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.memory_server import MemoryClient
from tests.tg_mlflow.memory_jobs import start_job
from tg.common import JobUnreachableError
from tg.common.delivery.sagemaker.executor.job_patience import asks_once
from tg.common.delivery.sagemaker.job_files.process_supervisor import describe_process
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.takeover.status import describe_status, show_log
from tg_mlflow.testing.memory_executor import MemoryExecutor
from tg_mlflow.tracking.launcher import launching

TAGS = {"tg.place": "memory", "tg.job_id": "job", "tg.state": '{"config": {"secrets": ["HUB_TOKEN"]}}'}


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


def note_launcher(client: MemoryClient, run_id: str, **changes: Any) -> None:
    """Lets a run be recorded by the process that has started this one, or by another one."""
    with launching(client, run_id):
        own = json.loads(client.get_run(run_id).data.tags["tg.launcher"])
    launcher = {**own, **describe_process(os.getppid()), "marker": None, **changes}
    client.set_tag(run_id, "tg.launcher", json.dumps(launcher))


def test_what_a_launcher_waits_for(executor: MemoryExecutor) -> None:
    client = MemoryClient()
    run_id = client.create_run("7", tags={**TAGS, "tg.waiting": "no quota is left"}).info.run_id
    client.update_run(run_id, "SCHEDULED")
    note_launcher(client, run_id)
    assert describe_status(client, client.get_run(run_id)).splitlines() == [
        f"run {run_id} SCHEDULED",
        "waiting: no quota is left",
        "job job is not started yet",
        f"process {os.getppid()} records it",
    ]


def test_a_run_whose_launcher_is_gone_waits_for_nothing(executor: MemoryExecutor) -> None:
    client = MemoryClient()
    run_id = client.create_run("7", tags={**TAGS, "tg.waiting": "no quota is left"}).info.run_id
    note_launcher(client, run_id, started="0")
    assert describe_status(client, client.get_run(run_id)).splitlines() == [
        f"run {run_id} RUNNING",
        "job job cannot be seen: there is no job 'job' in memory; check the id",
        f"the process that was to start its job is gone; `tg-mlflow cancel {run_id}` ends it",
    ]


def test_a_launcher_of_another_machine_may_live(executor: MemoryExecutor) -> None:
    client = MemoryClient()
    job = start_job(client, executor, **TAGS, **{"tg.waiting": "no quota is left"})
    note_launcher(client, job.run_id, host="another")
    assert describe_status(client, client.get_run(job.run_id)).splitlines() == [
        f"run {job.run_id} RUNNING",
        "waiting: no quota is left",
        "job job running",
        f"its last launcher was on another, where `tg-mlflow status {job.run_id}` says whether it lives",
    ]


def test_the_status_of_a_run_that_has_failed(executor: MemoryExecutor) -> None:
    client = MemoryClient()
    run_id = client.create_run("7", tags={**TAGS, "tg.failure_reason": "no luck"}).info.run_id
    client.set_terminated(run_id, "FAILED")
    assert describe_status(client, client.get_run(run_id)).splitlines() == [
        f"run {run_id} FAILED: no luck",
        "job job is not kept any more",
    ]


@pytest.mark.parametrize(
    ("status", "last"),
    [("RUNNING", ["no process of this machine records it; `tg-mlflow attach {run_id}` does"]), ("FAILED", [])],
)
def test_a_job_that_cannot_be_seen_keeps_nothing_else_from_being_said(
    executor: MemoryExecutor, monkeypatch: pytest.MonkeyPatch, status: str, last: list[str]
) -> None:
    def look(job_id: str) -> None:
        assert asks_once()
        raise JobUnreachableError("AWS cannot be reached: no route")

    client = MemoryClient()
    job = start_job(client, executor, **TAGS)
    monkeypatch.setattr(executor, "status", look)
    client.set_terminated(job.run_id, status)
    assert describe_status(client, client.get_run(job.run_id)).splitlines() == [
        f"run {job.run_id} {status}",
        "job job cannot be seen: AWS cannot be reached: no route",
        *(line.format(run_id=job.run_id) for line in last),
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
