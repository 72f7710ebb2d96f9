import logging
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.job_output import open_recorder
from tests.memory_server import MemoryClient
from tg.common import DeliveryError, JobUnreachableError
from tg.common.delivery.sagemaker import ContainerExecutor, ContainerOptions
from tg.common.delivery.sagemaker.executor import JobState
from tg_mlflow.testing.memory_executor import Machine, MemoryExecutor, Script
from tg_mlflow.training.job import Job
from tg_mlflow.training.job_guard import JobGuard


class SilentExecutor(MemoryExecutor):
    """Cannot say whether there is a job."""

    def status(self, job_id: str) -> JobState:
        raise DeliveryError("tcp://user:swordfish@host does not answer") from OSError("no route")


def give_up(executor: MemoryExecutor | ContainerExecutor, raised: type[Exception], message: str) -> None:
    client = MemoryClient()
    job = Job(client.create_run("0").info.run_id, executor, "job")
    with open_recorder(client, job.run_id) as recorder, pytest.raises(raised, match=message):  # noqa: SIM117
        with ExitStack() as afterwards, JobGuard(client, job, recorder, afterwards).watching():
            raise ValueError("it has failed")


def test_a_job_that_cannot_be_stopped_may_go_on_and_is_told_of_without_passwords() -> None:
    message = (
        r"^job job may go on, as it could not be stopped \(tcp://user:\*\*\*@host does not answer\); when it can be "
        r"reached, run `tg-mlflow cancel "
    )
    give_up(SilentExecutor(Machine(lambda request: Script())), JobUnreachableError, message)


def test_a_job_whose_daemon_never_answered_is_not_said_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path))
    caplog.set_level(logging.WARNING, "mlflow.tg_mlflow")
    give_up(ContainerExecutor(ContainerOptions("tcp://127.0.0.1:1")), ValueError, "it has failed")
    assert caplog.messages == []
