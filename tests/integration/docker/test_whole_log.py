"""A container's log is known to be whole, or it is said what is missing; a training that is killed has a reason."""

import re
import threading
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.integration.docker.programmed_task import ProgrammedTask
from tests.integration.docker.test_executor_contract import DISTRIBUTIONS
from tg.common.delivery.delivery import Containering, DependencyList, ImageBuildOptions, Packaging
from tg.common.delivery.delivery.image.docker_client import DockerClient
from tg.common.delivery.sagemaker import (
    ContainerExecutor,
    ContainerOptions,
    SagemakerConfig,
    SagemakerJob,
    SagemakerOptions,
)
from tg.common.delivery.sagemaker.executor.job_state import JobState, JobStatus
from tg_mlflow.testing.executor_contract import read_output

Run = Callable[..., str]


@pytest.fixture
def executor(docker_client: DockerClient, jobs_path: Path) -> Iterator[ContainerExecutor]:
    yield ContainerExecutor(ContainerOptions(stop_grace_seconds=1), docker_client)
    for job in jobs_path.iterdir() if jobs_path.is_dir() else ():
        for container in docker_client.containers(all=True, filters={"name": f"^/{job.name}$"}):
            docker_client.remove_container(container["Id"], force=True, v=True)


@pytest.fixture
def run(executor: ContainerExecutor, base_image: str, build_options: ImageBuildOptions, tmp_path: Path) -> Run:
    """Starts a job that runs a program; returns its id."""

    def run(program: str, memory: str | None = None) -> str:
        job = SagemakerJob(ProgrammedTask())
        packaging = Packaging("Programmed", "0", {"job": job})
        packaging.silent = True
        requirements = [f"{name}=={version(name)}" for name in DISTRIBUTIONS]
        packaging.dependencies = [DependencyList("training", requirements)]
        containering = Containering.from_packaging(packaging)
        containering.image_name, containering.base_image = "tg-test-programmed", base_image
        containering.build_options, containering.silent = build_options, True
        given = {"program": program}
        options = SagemakerOptions(None, None, "project", tmp_path, hyperparameters=given, memory=memory)
        request = executor.plan(SagemakerConfig(job, packaging, containering, options))
        executor.submit(request)
        return request.job_id

    return run


@pytest.mark.parametrize(
    ("program", "output"),
    [
        ("import os; os.write(1, b'x' * 10_000_000)", b"x" * 10_000_000),
        (
            "import os; os.write(1, b'a\\0b\\n 1%\\r 2%\\r\\n'); os.write(2, '\\u00fc\\n'.encode())",
            "a\0b\n 1%\r 2%\r\nü\n".encode(),
        ),
        ("import os; os.write(1, b'\\xff\\xfe' * 20_000)", "\ufffd\ufffd".encode() * 20_000),
        ("import os; print('one', flush=True); os.close(1); os.close(2)", b"one\n"),
        ("import os, time; os.fork() or (time.sleep(1), os.write(1, b'late'), os._exit(0)); print('one')", b"one\n"),
        ("for number in range(50_000): print('line', number)", b"".join(b"line %d\n" % n for n in range(50_000))),
    ],
    ids=["a long line", "a progress bar", "bytes", "closed streams", "a child that is left", "many lines"],
)
def test_a_log_of_any_kind_is_known_to_be_whole(
    executor: ContainerExecutor, run: Run, program: str, output: bytes
) -> None:
    job_id = run(program)
    found = read_output(executor, job_id)
    assert output in found
    assert b"###LOG###" not in found
    assert executor.status(job_id) == JobState(JobStatus.COMPLETED, 0)
    assert executor.find_missing_log(job_id, len(found)) is None
    assert read_output(executor, job_id) == found


@pytest.mark.parametrize(
    ("driver", "missing"),
    [
        ({"Type": "none"}, r"0 of its 2\d\d lines"),
        ({"Type": "json-file", "Config": {"max-size": "4k"}}, r"\d+ of its 2\d\d lines"),
    ],
    ids=["nothing is kept", "a part is kept"],
)
def test_what_a_log_driver_drops_is_said(
    executor: ContainerExecutor, run: Run, monkeypatch: pytest.MonkeyPatch, driver: dict[str, object], missing: str
) -> None:
    monkeypatch.setattr("tg.common.delivery.sagemaker.container.request._LOG_CONFIG", driver)
    job_id = run("for number in range(200): print('line', number)")
    for _ in executor.logs(job_id):
        continue
    assert executor.status(job_id) == JobState(JobStatus.COMPLETED, 0)
    found = executor.find_missing_log(job_id, 1_000_000)
    assert found is not None
    kept = f"are here, as the Docker daemon has kept it with the log driver '{driver['Type']}'"
    assert re.fullmatch(f"{missing} {kept}", found)
    with executor.load_result(job_id) as archive:
        assert archive.list()[-1] == "completed.json"
    assert executor.find_missing_log(job_id, 1_000_000) == found


def test_a_training_that_needs_too_much_memory_says_so(executor: ContainerExecutor, run: Run) -> None:
    job_id = run("print('before'); x = bytearray(2_000_000_000)", memory="200m")
    output = read_output(executor, job_id).decode()
    assert "before\n" in output
    assert output.endswith(
        " ERROR: Job has failed: it was killed by SIGKILL, as the kernel does where memory is short; give it more, or "
        "let it need less\n"
    )
    assert executor.status(job_id) == JobState(
        JobStatus.FAILED, 137, "out of memory: the container was killed at its limit of 200 MiB; raise `memory`"
    )


@pytest.mark.parametrize(
    ("program", "code", "reason"),
    [
        (
            "import os; os._exit(0)",
            1,
            "its process ended with exit code 0 before the training's end, as by os._exit(0)",
        ),
        ("import os; os.abort()", 134, "it was killed by SIGABRT: Python or a library has crashed"),
        (
            "import os; os.kill(os.getpid(), 9)",
            137,
            "it was killed by SIGKILL, as the kernel does where memory is short; give it more, or let it need less",
        ),
    ],
)
def test_a_training_that_cannot_say_why_it_ends_has_a_reason(
    executor: ContainerExecutor, run: Run, program: str, code: int, reason: str
) -> None:
    job_id = run(program)
    read_output(executor, job_id)
    assert executor.status(job_id) == JobState(JobStatus.FAILED, code, reason)


def test_a_container_that_is_restarted_is_followed_on_and_begins_with_its_checkpoints_only(
    executor: ContainerExecutor, run: Run, docker_client: DockerClient
) -> None:
    job_id = run(
        "import pathlib, signal; mark = pathlib.Path('/opt/ml/checkpoints/mark'); print('again', mark.exists()); "
        "mark.exists() or (mark.touch(), pathlib.Path('/opt/ml/model/left').touch(), signal.pause())"
    )
    output, restart = b"", threading.Thread(target=docker_client.restart, args=[job_id])
    for event in executor.logs(job_id):
        output += event.data
        if event.data == b"again False\n":
            restart.start()  # beside the reading, which sees that the container has ended
    restart.join()
    assert re.findall(rb"again \w+|Welcome|###\w+###(?:\{|\w+)|stopped by SIGTERM", output) == [
        *(b"Welcome", b"###JOB###{", b"again False", b"stopped by SIGTERM"),
        *(b"Welcome", b"###JOB###{", b"again True"),
    ]
    assert executor.status(job_id) == JobState(JobStatus.COMPLETED, 0)
    assert executor.find_missing_log(job_id, len(output)) is None
    assert read_output(executor, job_id) == output
    with executor.load_result(job_id) as archive:
        assert "left" not in archive.list()
