import logging
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.memory_server import MemoryClient
from tg.common import DeliveryError
from tg.common.delivery.sagemaker import ContainerExecutor, ContainerOptions
from tg.common.delivery.sagemaker.executor import JobState
from tg_mlflow.recording.recorder import RunRecorder
from tg_mlflow.testing.memory_executor import Machine, MemoryExecutor, Script
from tg_mlflow.training.job import Job
from tg_mlflow.training.job_guard import JobGuard


class SilentExecutor(MemoryExecutor):
    """Cannot say whether there is a job."""

    def status(self, job_id: str) -> JobState:
        raise DeliveryError("tcp://user:swordfish@host does not answer") from OSError("no route")


def give_up(executor: MemoryExecutor | ContainerExecutor) -> None:
    client = MemoryClient()
    job = Job(client.create_run("0").info.run_id, executor, "job")
    with RunRecorder(client, job.run_id) as recorder, pytest.raises(ValueError, match="it has failed"):  # noqa: SIM117
        with ExitStack() as afterwards, JobGuard(client, job, recorder, afterwards).watching():
            raise ValueError("it has failed")


def test_a_job_that_cannot_be_stopped_is_told_without_passwords(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "mlflow.tg_mlflow")
    give_up(SilentExecutor(Machine(lambda request: Script())))
    assert caplog.messages == ["Job job could not be stopped; see that it ends: tcp://user:***@host does not answer"]


def test_a_job_whose_daemon_never_answered_is_not_said_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path))
    caplog.set_level(logging.WARNING, "mlflow.tg_mlflow")
    give_up(ContainerExecutor(ContainerOptions("tcp://127.0.0.1:1")))
    assert caplog.messages == []
