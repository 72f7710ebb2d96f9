"""A job on SageMaker whose status is new goes on for us, and not for ever."""

from typing import Any

import pytest

from tg.common import JobUnreachableError
from tg.common.delivery.sagemaker import JobStatus, Pacing, RemoteExecutor
from tg.common.delivery.sagemaker.remote import remote_executor
from tg.common.delivery.sagemaker.remote.state import JobDescription


def test_it_is_watched_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["Frozen", "InProgress", "Frozen", "Thawing"]

    def describe(aws: Any, job_id: str) -> JobDescription:
        return JobDescription(job_id, "", words.pop(0), "Training")

    monkeypatch.setattr(remote_executor, "describe_job", describe)
    executor = RemoteExecutor(session=object(), pacing=Pacing(patience_seconds=0))
    assert executor.status("job").reason == "SageMaker calls it 'Frozen', which is not known here"
    assert executor.status("job").reason is None
    assert executor.status("job").status is JobStatus.RUNNING
    with pytest.raises(JobUnreachableError, match=r"SageMaker says that job 'job' is 'Thawing', which this version"):
        executor.status("job")
