import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.docker.support import SshServer, load_tiny_image
from tg.common import ContainerError, DeliveryError, JobFailedError, JobStoppedError, ResultArchiveError
from tg.common.delivery.delivery.image.docker_client import DockerClient, engine_platform
from tg.common.delivery.sagemaker import SagemakerLocalExecutor
from tg.common.delivery.sagemaker.executor.job_state import JobState, JobStatus
from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
from tg.common.errors import JobMissingError

Make = Callable[..., SagemakerLocalExecutor]

COMPLETE = """
import json, pathlib
model = pathlib.Path("/opt/ml/model")
(model / "runs").mkdir()
(model / "runs" / "text").write_text("a result")
members = [{"name": "runs/text", "size": 8}]
(model / "completed.json").write_text(json.dumps({"state": "completed", "time": "2026-01-01", "members": members}))
"""

# Says that it is ready, and ends only by a signal.
WAIT = """
import signal
print("ready")
while True:
    signal.pause()
"""


def containers_of(client: DockerClient, job_id: str) -> list[str]:
    found = client.containers(all=True, filters={"label": f"tg-mlflow.job={job_id}"})
    return [each["Id"] for each in found]


def output_of(executor: SagemakerLocalExecutor, job_id: str, position: int = 0) -> str:
    return b"".join(event.data for event in executor.logs(job_id, position)).decode()


def wait(executor: SagemakerLocalExecutor, job_id: str) -> JobState:
    for _ in executor.logs(job_id):
        pass
    return executor.status(job_id)


def test_a_job_is_run_and_its_results_are_brought_here(
    docker_client: DockerClient, make_executor: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = """
import os, sys
print("arguments", sys.argv[1:])
for name in ("TRAINING_JOB_NAME", "TRAINING_JOB_ARN", "TG_RESOURCE", "COLOUR"):
    print(name, os.environ[name])
for name in sorted(os.listdir("/opt/ml/input/config")):
    print(name, open("/opt/ml/input/config/" + name).read())
print(sorted(os.listdir("/opt/ml")), sorted(os.listdir("/opt/ml/output")), os.path.exists("/opt/ml/input/data"))
"""
    executor = make_executor(report + COMPLETE, environment={"COLOUR": "red"}, hyperparameters={"depth": "3"})
    job_id = executor.execute()
    assert job_id.startswith("script-")
    assert capsys.readouterr().out.splitlines() == [
        "arguments ['train']",
        f"TRAINING_JOB_NAME {job_id}",
        f"TRAINING_JOB_ARN arn:aws:sagemaker:local:000000000000:training-job/{job_id}",
        "TG_RESOURCE job",
        "COLOUR red",
        'hyperparameters.json {"depth": "3"}',
        "inputdataconfig.json {}",
        'resourceconfig.json {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}',
        "['checkpoints', 'input', 'model', 'output'] ['data'] True",
    ]
    assert containers_of(docker_client, job_id) == []
    with executor.load_result(job_id) as archive:
        assert archive.list() == ["runs/", "runs/text", "completed.json"]
        assert archive.get_path("runs/text").read_text() == "a result"
    written = list((tmp_path / "jobs").rglob("*"))
    assert sorted(path.name for path in written if path.is_file()) == [
        "model.tar.gz",
        "state.json",
        "train.log",
        "train.times",
    ]
    assert {path.stat().st_uid for path in written} == {os.getuid()}


def test_another_machine_finds_a_job_through_the_same_daemon(
    docker_client: DockerClient, make_executor: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = make_executor("print('one')" + COMPLETE).submit()
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "elsewhere"))
    other = make_executor("")
    assert output_of(other, job_id) == "one\n"
    assert other.status(job_id) == JobState(JobStatus.COMPLETED, 0)
    with other.load_result(job_id) as archive:
        assert archive.get_path("runs/text").read_text() == "a result"
    assert containers_of(docker_client, job_id) == []
    assert (tmp_path / "elsewhere" / job_id / "model.tar.gz").is_file()


def test_a_container_that_is_no_job_is_not_taken_for_one(docker_client: DockerClient, make_executor: Make) -> None:
    job_id = make_executor("print('one')").submit()
    other = f"{job_id[:50]}-other"
    docker_client.rename(job_id, other)
    try:
        with pytest.raises(DeliveryError, match="there is no job"):
            make_executor("").status(other)
    finally:
        docker_client.remove_container(other, force=True)


def test_another_process_finds_a_job_before_and_after_its_container_is_removed(
    docker_client: DockerClient, make_executor: Make
) -> None:
    executor = make_executor("print('one'); print('two')" + COMPLETE)
    job_id = executor.submit()
    other = make_executor("")
    before = list(other.logs(job_id))
    assert b"".join(event.data for event in before) == b"one\ntwo\n"
    assert other.status(job_id) == JobState(JobStatus.COMPLETED, 0)
    assert len(containers_of(docker_client, job_id)) == 1
    with other.load_result(job_id) as archive:
        assert archive.get_path("runs/text").read_text() == "a result"
    assert containers_of(docker_client, job_id) == []

    # From here on the job's folder answers: no daemon is needed.
    late = make_executor("", client=None, docker_host="unix:///nowhere/docker.sock")
    assert list(late.logs(job_id)) == before
    assert output_of(late, job_id, 2) == "e\ntwo\n"
    assert late.status(job_id) == JobState(JobStatus.COMPLETED, 0)
    late.cancel(job_id)
    late.collect(job_id)
    with late.load_result(job_id) as archive:
        assert archive.is_complete
    assert late.status(job_id) == JobState(JobStatus.COMPLETED, 0)


def test_the_log_comes_while_the_job_runs_with_the_engines_times(make_executor: Make) -> None:
    executor = make_executor("print('one')\n" + WAIT, stop_grace_seconds=0.5)
    job_id = executor.submit()
    events = executor.logs(job_id)
    first, second = next(events), next(events)
    assert executor.status(job_id) == JobState(JobStatus.RUNNING)
    assert (first.data, second.data) == (b"one\n", b"ready\n")
    engine = executor.client.logs(job_id, stdout=True, stderr=True, stream=True, timestamps=True, tail=1)
    stamp = next(iter(engine)).decode().partition(" ")[0]
    assert stamp.partition(".")[2][:3] == f"{second.time_ms % 1000:03}"
    assert 1_700_000_000_000 < first.time_ms <= second.time_ms
    events.close()  # type: ignore[attr-defined]
    with pytest.raises(DeliveryError, match=r"is running; wait for its end, or cancel it$"):
        executor.collect(job_id)
    executor.cancel(job_id)
    assert output_of(executor, job_id, 4) == "ready\n"


def test_no_line_of_a_hundred_thousand_is_lost(make_executor: Make) -> None:
    executor = make_executor("import os; os.write(1, b''.join(b'%d\\n' % i for i in range(100_000)))")
    job_id = executor.submit()
    expected = "".join(f"{number}\n" for number in range(100_000))
    assert output_of(executor, job_id) == expected
    assert output_of(executor, job_id) == expected
    executor.collect(job_id)
    assert output_of(executor, job_id) == expected


def test_stdout_and_stderr_come_in_order_and_bytes_as_they_are(make_executor: Make) -> None:
    script = """
import os, time
for number in range(6):
    os.write(1 + number % 2, b"%d\\n" % number)
    time.sleep(0.3)  # two pipes: only time tells the engine which was first, on a busy machine, too
os.write(1, b"x" * 100_000 + b"\\r50%\\r\\xc3\\xa9 2026-01-01T00:00:00.000000000Z no stamp\\nno end")
"""
    executor = make_executor(script)
    job_id = executor.submit()
    expected = b"".join(b"%d\n" % number for number in range(6))
    expected += b"x" * 100_000 + b"\r50%\r\xc3\xa9 2026-01-01T00:00:00.000000000Z no stamp\nno end"
    assert b"".join(event.data for event in executor.logs(job_id)) == expected
    executor.collect(job_id)
    assert executor.status(job_id) == JobState(JobStatus.COMPLETED, 0)
    assert b"".join(event.data for event in executor.logs(job_id)) == expected
    with pytest.raises(ResultArchiveError):
        executor.load_result(job_id)


def test_a_job_that_fails_says_why(make_executor: Make) -> None:
    executor = make_executor("open('/opt/ml/output/failure', 'w').write('ValueError: no rows\\ntrace'); exit(1)")
    assert wait(executor, executor.submit()) == JobState(JobStatus.FAILED, 1, "ValueError: no rows")
    executor = make_executor("exit(7)")
    assert wait(executor, executor.submit()) == JobState(JobStatus.FAILED, 7, "it exited with code 7")


def test_a_failed_job_shows_the_logs_end_and_leaves_no_container(
    docker_client: DockerClient, make_executor: Make, tmp_path: Path
) -> None:
    script = "open('/opt/ml/model/part', 'w').write('saved')\nfor i in range(200): print('line', i)\nexit(3)"
    with pytest.raises(JobFailedError) as caught:
        make_executor(script).execute()
    (job_id,) = os.listdir(tmp_path / "jobs")
    first, *lines = str(caught.value).splitlines()
    assert first == f"job {job_id} has failed: it exited with code 3"
    assert [line.strip(" |") for line in lines] == [f"line {number}" for number in range(150, 200)]
    assert containers_of(docker_client, job_id) == []
    with pytest.raises(ResultArchiveError):
        make_executor("").load_result(job_id)
    assert JobFolder.find(job_id).archive.is_file()


def test_too_much_memory_is_explained(make_executor: Make) -> None:
    executor = make_executor("x = bytearray(200_000_000)", memory="32m")
    assert wait(executor, executor.submit()) == JobState(
        JobStatus.FAILED, 137, "out of memory: the container was killed at its limit of 32 MiB; raise `memory`"
    )


def test_cancel_gives_a_job_time_to_stop(docker_client: DockerClient, make_executor: Make) -> None:
    trap = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: (print('stopping'), exit(143)))\n"
    executor = make_executor(trap + WAIT)
    job_id = executor.submit()
    events = executor.logs(job_id)
    assert next(events).data == b"ready\n"
    executor.cancel(job_id)
    assert [event.data for event in events] == [b"stopping\n"]
    assert executor.status(job_id) == JobState(JobStatus.STOPPED, 143, "it was stopped")
    executor.cancel(job_id)
    executor.collect(job_id)
    executor.cancel(job_id)
    assert executor.status(job_id) == JobState(JobStatus.STOPPED, 143, "it was stopped")
    assert containers_of(docker_client, job_id) == []


def test_cancel_kills_a_job_that_does_not_stop(make_executor: Make) -> None:
    trap = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: print('no'))\n"
    executor = make_executor(trap + WAIT, stop_grace_seconds=0.5)
    job_id = executor.submit()
    assert next(executor.logs(job_id)).data == b"ready\n"
    executor.cancel(job_id)
    assert executor.status(job_id) == JobState(JobStatus.STOPPED, 137, "it was stopped")
    assert output_of(executor, job_id) == "ready\nno\n"


def test_signals_that_are_not_ours(docker_client: DockerClient, make_executor: Make) -> None:
    executor = make_executor("import signal\nsignal.signal(signal.SIGTERM, lambda *_: exit(143))\n" + WAIT)
    killed = "it was killed with SIGKILL; not at its own limit of memory, but the machine may have run out of it"
    for number, expected in (
        (signal.SIGTERM, JobState(JobStatus.STOPPED, 143, "it was stopped")),
        (signal.SIGKILL, JobState(JobStatus.FAILED, 137, killed)),
    ):
        job_id = executor.submit()
        next(executor.logs(job_id))
        docker_client.kill(job_id, int(number))
        assert wait(executor, job_id) == expected


def test_ctrl_c_stops_the_job_and_leaves_no_container(
    docker_client: DockerClient, make_executor: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupting:
        def write(self, text: str) -> None:
            raise KeyboardInterrupt

    executor = make_executor("import signal\nsignal.signal(signal.SIGTERM, lambda *_: exit(143))\n" + WAIT)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", Interrupting())
        with pytest.raises(KeyboardInterrupt):
            executor.execute()
    (job_id,) = os.listdir(tmp_path / "jobs")
    assert executor.status(job_id) == JobState(JobStatus.STOPPED, 143, "it was stopped")
    assert output_of(executor, job_id) == "ready\n"
    assert containers_of(docker_client, job_id) == []


def test_a_stopped_job_is_no_success(make_executor: Make) -> None:
    with pytest.raises(JobStoppedError, match=r"^job script-\S+ has stopped: it was stopped$"):
        make_executor("exit(143)").execute()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cpus": 9999}, r"^the container of job 'my-job' cannot be created: Range of CPUs is from 0\.01 to"),
        ({"memory": "1k"}, r"^the container of job 'my-job' cannot be created: Minimum memory limit allowed is 6MB"),
        ({"network": "nowhere"}, r"^the container of job 'my-job' cannot be started: network nowhere not found"),
        ({"gpus": "all"}, r"^the container of job 'my-job' cannot be started: could not select device driver"),
    ],
)
def test_a_container_that_cannot_be_started_leaves_nothing(
    docker_client: DockerClient, make_executor: Make, jobs_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ContainerError, match=message):
        make_executor("", **options).submit("my-job")
    assert docker_client.containers(all=True, filters={"label": "tg-mlflow.job=my-job"}) == []
    assert list(jobs_path.iterdir()) == []


def test_a_job_uses_and_leaves_no_network_or_volume_of_its_own(
    docker_client: DockerClient, make_executor: Make
) -> None:
    executor = make_executor("")
    job_id = executor.submit()
    wait(executor, job_id)
    container = docker_client.inspect_container(job_id)
    (volume,) = [mount["Name"] for mount in container["Mounts"]]  # the image asks for one
    assert list(container["NetworkSettings"]["Networks"]) == ["bridge"]
    assert docker_client.inspect_volume(volume)["Name"] == volume
    executor.collect(job_id)
    assert volume not in {each["Name"] for each in docker_client.volumes()["Volumes"] or []}


def test_no_network_if_asked_for(make_executor: Make) -> None:
    executor = make_executor("import os; print(os.listdir('/sys/class/net'))", network="none")
    assert output_of(executor, executor.submit()) == "['lo']\n"


LIST_DATA = """
import os
root = "/opt/ml/input/data/training"
print(os.environ["TG_DATASET"], sorted(os.listdir(root)))
name = root + "/" + sorted(os.listdir(root))[0]
print(open(name).read())
print(open("/opt/ml/input/config/inputdataconfig.json").read())
try:
    open(name, "a").write("more")
    print("writable")
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.parametrize(("dataset", "described"), [("folder", "."), ("folder/a.txt", "a.txt")])
def test_data_are_mounted_and_cannot_be_changed(
    make_executor: Make, tmp_path: Path, dataset: str, described: str
) -> None:
    write_data(tmp_path)
    executor = make_executor(LIST_DATA, dataset)
    names = "['a.txt', 'b.txt']" if described == "." else "['a.txt']"
    config = '{"training": {"TrainingInputMode": "File"}}'
    expected = f"{described} {names}\nsome rows\n{config}\nRead-only file system\n"
    assert output_of(executor, executor.submit()) == expected


def write_data(folder: Path) -> None:
    (folder / "project" / "folder").mkdir(parents=True)
    (folder / "project" / "folder" / "a.txt").write_text("some rows")
    (folder / "project" / "folder" / "b.txt").write_text("others")


def test_a_daemon_behind_ssh(docker_client: DockerClient, make_executor: Make, ssh: SshServer, tmp_path: Path) -> None:
    write_data(tmp_path)
    executor = make_executor(LIST_DATA + COMPLETE, "folder", client=None, docker_host=ssh.url)
    job_id = executor.submit()
    config = '{"training": {"TrainingInputMode": "File"}}'
    assert output_of(executor, job_id) == f". ['a.txt', 'b.txt']\nsome rows\n{config}\nwritable\n"
    with executor.load_result(job_id) as archive:
        assert archive.get_path("runs/text").read_text() == "a result"
    executor.client.close()
    assert containers_of(docker_client, job_id) == []
    assert (tmp_path / "project" / "folder" / "a.txt").read_text() == "some rows"


def test_a_container_that_someone_has_removed(docker_client: DockerClient, make_executor: Make) -> None:
    executor = make_executor(WAIT)
    job_id = executor.submit()
    events = executor.logs(job_id)
    next(events)
    docker_client.remove_container(job_id, force=True, v=True)
    with pytest.raises(JobMissingError, match=f"the container of job '{job_id}' is gone"):
        list(events)
    gone = JobState(JobStatus.FAILED, None, "its container was removed before its results were collected")
    assert executor.status(job_id) == gone
    executor.cancel(job_id)
    with pytest.raises(ResultArchiveError, match=f"^job '{job_id}' has no results here: its container was removed"):
        executor.load_result(job_id)


def test_a_model_folder_that_is_gone_or_hostile_leaves_no_container(
    docker_client: DockerClient, make_executor: Make
) -> None:
    executor = make_executor("import shutil; shutil.rmtree('/opt/ml/model')")
    job_id = executor.submit()
    wait(executor, job_id)
    with pytest.raises(ResultArchiveError, match="has no results here"):
        executor.load_result(job_id)
    assert containers_of(docker_client, job_id) == []

    executor = make_executor("import os; os.symlink('/etc/passwd', '/opt/ml/model/link')")
    job_id = executor.submit()
    wait(executor, job_id)
    with pytest.raises(ResultArchiveError):
        executor.load_result(job_id)
    assert containers_of(docker_client, job_id) == []
    assert not JobFolder.find(job_id).archive.exists()


def test_an_image_of_another_architecture(docker_client: DockerClient, make_executor: Make) -> None:
    native = engine_platform(docker_client)
    other = "linux/arm64" if native == "linux/amd64" else "linux/amd64"
    load_tiny_image(docker_client, "127.0.0.1:9/tg-test-foreign:1", other)
    with pytest.raises(DeliveryError) as caught:
        make_executor("", image_uri="127.0.0.1:9/tg-test-foreign:1").submit()
    assert str(caught.value) == (
        f"image '127.0.0.1:9/tg-test-foreign:1' is made for {other}, not for {native}; "
        f"name one that is made for {native}"
    )
    docker_client.remove_image("127.0.0.1:9/tg-test-foreign:1")


def test_a_daemon_that_is_down(make_executor: Make, jobs_path: Path) -> None:
    executor = make_executor("", client=None, docker_host="unix:///nowhere/docker.sock")
    with pytest.raises(ContainerError, match="no Docker daemon answers"):
        executor.submit()
    assert not jobs_path.exists()
    with pytest.raises(DeliveryError, match="there is no job 'nothing-such'"):
        executor.status("nothing-such")


def test_a_job_is_discarded(docker_client: DockerClient, make_executor: Make, jobs_path: Path) -> None:
    executor = make_executor("")
    job_id = executor.submit()
    wait(executor, job_id)
    executor.discard(job_id)
    executor.discard(job_id)
    assert containers_of(docker_client, job_id) == []
    assert list(jobs_path.iterdir()) == []


def test_what_a_failing_job_has_made_is_brought_here(make_executor: Make) -> None:
    executor = make_executor(
        "import os\n"
        "for path in ('model/tg_mlflow/runs/r/big.bin', 'output/data/deep/report.txt'):\n"
        "    os.makedirs(os.path.dirname(f'/opt/ml/{path}'), exist_ok=True)\n"
        "    open(f'/opt/ml/{path}', 'w').write(path)\n"
        "exit(7)"
    )
    job_id = executor.submit()
    wait(executor, job_id)
    remains = executor.executor.find_remains(job_id)
    assert remains is not None
    assert {path.relative_to(remains.root).as_posix() for path in remains.root.rglob("*") if path.is_file()} == {
        "model/tg_mlflow/runs/r/big.bin",
        "output/data/deep/report.txt",
    }


def test_states_are_kept_in_a_form_that_is_easy_to_read(make_executor: Make) -> None:
    executor = make_executor("exit(7)")
    job_id = executor.submit()
    wait(executor, job_id)
    executor.collect(job_id)
    content = json.loads((JobFolder.find(job_id).path / "state.json").read_text())
    assert content == {"status": "failed", "exit_code": 7, "reason": "it exited with code 7"}
