"""Why a container has ended, and what is kept of it."""

from pathlib import Path
from typing import Any

import pytest

from tg.common.delivery.sagemaker.container.state import build_job_state, load_missing_log, load_state, save_state
from tg.common.delivery.sagemaker.executor.job_state import JobState, JobStatus
from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder

KILLED = "it was killed by SIGKILL, as the kernel does where memory is short; give it more, or let it need less"


def describe(code: int, memory: int = 0, **state: Any) -> dict[str, Any]:
    return {"State": {"Status": "exited", "ExitCode": code, **state}, "HostConfig": {"Memory": memory}}


@pytest.mark.parametrize(
    ("container", "failure", "reason"),
    [
        (describe(137), KILLED, KILLED),  # the training was killed, and the container's first process was not
        (
            describe(137),
            None,
            "it was killed with SIGKILL; not at its own limit of memory, but the machine may have run out of it",
        ),
        (
            describe(137, 64 << 20, OOMKilled=True),
            KILLED,
            "out of memory: the container was killed at its limit of 64 MiB; raise `memory`",
        ),
        (
            describe(137, OOMKilled=True),
            None,
            "out of memory: the container was killed, and it had no limit; use a machine with more memory",
        ),
        (
            describe(1, OOMKilled=True),
            None,
            "it exited with code 1; one of its processes was killed for lack of memory; raise `memory`",
        ),
        (describe(3), None, "it exited with code 3"),
    ],
)
def test_memory_is_named_where_it_may_be_the_reason(
    container: dict[str, Any], failure: str | None, reason: str
) -> None:
    code = container["State"]["ExitCode"]
    assert build_job_state(container, False, failure) == JobState(JobStatus.FAILED, code, reason)


def test_a_killed_job_that_was_cancelled_was_stopped() -> None:
    assert build_job_state(describe(137), True, KILLED) == JobState(JobStatus.STOPPED, 137, "it was stopped")


def test_what_is_missing_of_a_log_is_kept_with_the_state(tmp_path: Path) -> None:
    folder, state = JobFolder(tmp_path), JobState(JobStatus.COMPLETED, 0)
    assert load_state(folder) is None
    assert load_missing_log(folder) is None
    save_state(state, folder, "3 of its 4 lines are here")
    assert (load_state(folder), load_missing_log(folder)) == (state, "3 of its 4 lines are here")
    save_state(state, folder)
    assert (load_state(folder), load_missing_log(folder)) == (state, None)
