import re

import pytest

from tests.memory_server import MemoryClient
from tests.tg_mlflow.memory_jobs import start_job
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.takeover.rest import record_rest
from tg_mlflow.takeover.run_job import find_job
from tg_mlflow.takeover.status import describe_status, show_log
from tg_mlflow.testing.memory_executor import MemoryExecutor

TAGS = {"tg.version": "0.1.0", "tg.place": "tg-process", "tg.job_id": "job", "tg.state": "{}"}


@pytest.mark.parametrize("names", ['["TOKEN', "5", "null", '["A", 1]'])
def test_a_log_whose_secrets_are_not_known_is_not_shown(names: str) -> None:
    client = MemoryClient()
    run = client.create_run("0", tags={**TAGS, "tg.state": f'{{"config": {{"secrets": {names}}}}}'})
    with pytest.raises(RunNotOursError, match=re.escape(f"the tag tg.state of run {run.info.run_id!r} is damaged")):
        show_log(client, run, False, lambda event: pytest.fail("shown"))


_NOT_INSTALLED = (
    "job job cannot be seen: run '{0}' is from the place 'tg-proces', which is not installed here; did you mean "
    "'tg-process'?"
)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("FINISHED", [_NOT_INSTALLED]),
        ("RUNNING", [_NOT_INSTALLED, "no process of this machine records it; `tg-mlflow attach {0}` does"]),
    ],
)
def test_a_run_of_a_place_that_is_not_installed_has_a_status(status: str, expected: list[str]) -> None:
    client = MemoryClient()
    run_id = client.create_run("0", tags={**TAGS, "tg.place": "tg-proces"}).info.run_id
    client.update_run(run_id, status)
    lines = describe_status(client, client.get_run(run_id)).splitlines()
    assert lines == [f"run {run_id} {status}", *(line.format(run_id) for line in expected)]


def test_a_run_of_an_earlier_version_has_a_status_that_says_so() -> None:
    client = MemoryClient()
    tags = {"tg.version": "0.1.0", "tg.place": "tg-process", "tg.job_id": "job", "tg.place_options": "{}"}
    run = client.create_run("0", tags=tags)
    assert describe_status(client, run).splitlines() == [
        f"run {run.info.run_id} RUNNING",
        f"job job cannot be seen: run '{run.info.run_id}' does not say how its job was started, as it has no tag "
        "tg.state: it is of an earlier version of tg-mlflow; use that version for it",
        f"no process of this machine records it; `tg-mlflow attach {run.info.run_id}` does",
    ]


@pytest.mark.parametrize("text", ["1k", "-1", "", "1.5", "²"])
def test_a_run_whose_cursor_is_damaged_is_not_recorded_anew(executor: MemoryExecutor, text: str) -> None:
    client = MemoryClient()
    job = start_job(client, executor, **{**TAGS, "tg.place": "memory", "tg.log_cursor": text})
    found = find_job(client.get_run(job.run_id), executor)
    with pytest.raises(RunNotOursError) as caught:
        record_rest(client, found)
    assert str(caught.value) == (
        f"the tag tg.log_cursor of run {job.run_id!r} is damaged: {text!r}; give a number of bytes, or remove the tag "
        "to record all again"
    )
    assert client.get_run(job.run_id).info.status == "RUNNING"
