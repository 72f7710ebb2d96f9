"""What the other machine says of a job, as a state."""

from collections.abc import Mapping
from typing import Any

from tg.common.delivery.sagemaker.contract.killed import explain_signal
from tg.common.delivery.sagemaker.contract.variables import EXIT_TERMINATED
from tg.common.delivery.sagemaker.executor import JobState, JobStatus


def build_state(answer: Mapping[str, Any]) -> JobState:
    """Makes a job's state of the program's answer to ``describe``."""
    if answer["stage"] == "starting":
        return JobState(JobStatus.QUEUED)
    if answer["stage"] == "running":
        return JobState(JobStatus.RUNNING)
    if answer["stage"] == "unstarted":
        return JobState(JobStatus.FAILED, None, "it was never started completely")
    code: int | None = answer["exit_code"]
    if code in (0, None) and answer["is_complete"]:
        return JobState(JobStatus.COMPLETED, code)
    if answer["is_cancelled"] or code == EXIT_TERMINATED:
        return JobState(JobStatus.STOPPED, code, "it was stopped")
    if answer["failure"] is not None:
        return JobState(JobStatus.FAILED, code, answer["failure"])
    if code is not None and code < 0:
        return JobState(JobStatus.FAILED, code, explain_signal(-code))
    return JobState(JobStatus.FAILED, code, f"it ended with exit code {code}, without a word of the reason")
