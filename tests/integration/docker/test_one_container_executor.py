"""One executor for a daemon: it starts jobs of different trainings and follows those of others."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from threading import Barrier

from tg.common.delivery.delivery.image.docker_client import DockerClient
from tg.common.delivery.sagemaker import (
    ContainerExecutor,
    ContainerOptions,
    Executor,
    JobRequest,
    JobState,
    JobStatus,
    SagemakerLocalExecutor,
    Traits,
)

Make = Callable[..., SagemakerLocalExecutor]

REFUSE_TO_STOP = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready')\nsignal.pause()"


def text_of(executor: Executor, job_id: str) -> str:
    return b"".join(event.data for event in executor.logs(job_id)).decode()


def test_trainings_of_two_threads_share_an_executor(docker_client: DockerClient, make_executor: Make) -> None:
    executor, both_run = ContainerExecutor(), Barrier(2)
    requests = [executor.plan(make_executor(f"print({text!r})").config) for text in ("one", "two")]

    def train(request: JobRequest) -> str:
        both_run.wait(60)
        executor.submit(request)
        text = text_of(executor, request.job_id)
        executor.collect(request.job_id)
        return text

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(train, requests)) == ["one\n", "two\n"]
    assert [executor.status(each.job_id) for each in requests] == [JobState(JobStatus.COMPLETED, 0)] * 2


def test_another_executor_gives_a_job_its_own_time_to_stop(docker_client: DockerClient, make_executor: Make) -> None:
    # Of itself the job would be given 120 seconds, which is longer than a test may take.
    patient = make_executor(REFUSE_TO_STOP)
    assert patient.executor.options == ContainerOptions(None, 120)
    job_id = patient.submit()
    assert docker_client.inspect_container(job_id)["Config"]["StopTimeout"] == 120
    assert next(patient.logs(job_id)).data == b"ready\n"
    ContainerExecutor(ContainerOptions(stop_grace_seconds=1)).cancel(job_id)
    assert patient.status(job_id) == JobState(JobStatus.STOPPED, 137, "it was stopped")


def test_what_tells_these_jobs_from_others() -> None:
    assert ContainerExecutor().traits == Traits(is_found_anywhere=False, takes_checkpoints=True)
    far = ContainerExecutor(ContainerOptions("ssh://someone@elsewhere.example"))
    assert far.traits == Traits(is_found_anywhere=True, takes_checkpoints=True)
    assert asdict(far.options) == {"docker_host": "ssh://someone@elsewhere.example", "stop_grace_seconds": 120}
