"""The contract of executors, as tests that each of them must pass.

A place's test module derives a class from one of these and gives it the fixture ``open_executor``::

    class TestSshExecutor(SeparateExecutorContract):
        @pytest.fixture
        def open_executor(self, sshd) -> OpenExecutor:
            return lambda: SshExecutor(SshOptions(host=sshd.host, stop_grace_seconds=1))

With ``pytest.register_assert_rewrite("tg_mlflow.testing")`` in ``conftest.py``, a failing assertion shows its values.
"""

import importlib
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tg.common import DeliveryError, JobFailedError, ResultArchiveError
from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.sagemaker import MetricLineParser, SagemakerConfig, SagemakerJob, SagemakerOptions
from tg.common.delivery.sagemaker.executor import Executor, JobFacts, JobState, JobStatus
from tg.common.errors import JobMissingError
from tg_mlflow.testing import contract_task

OpenExecutor: TypeAlias = Callable[[], Executor]
BuildDelivery: TypeAlias = Callable[..., SagemakerConfig]
CompleteDelivery: TypeAlias = Callable[[SagemakerConfig], SagemakerConfig]

_MODULE = "tg_contract_task"


class ExecutorContract:
    """Tests for every executor, also for one whose jobs run in the process that submits them."""

    @pytest.fixture
    def open_executor(self) -> OpenExecutor:
        """A function that makes an executor, always with the same options, and a grace period of about a second."""
        raise NotImplementedError(f"{type(self).__name__} has to have the fixture open_executor")

    @pytest.fixture
    def executor(self, open_executor: OpenExecutor) -> Executor:
        return open_executor()

    @pytest.fixture(autouse=True)
    def _jobs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))

    @pytest.fixture
    def complete_delivery(self) -> CompleteDelivery:
        """A function that adds what a place needs to a delivery, such as how its image is built."""
        return lambda delivery: delivery

    @pytest.fixture
    def build_delivery(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complete_delivery: CompleteDelivery
    ) -> BuildDelivery:
        """A function that makes a delivery of what a method of :class:`ContractTask` does; all have one package."""
        project = tmp_path / "contract"
        project.mkdir()
        shutil.copy(contract_task.__file__, project / f"{_MODULE}.py")
        monkeypatch.syspath_prepend(project)
        monkeypatch.delitem(sys.modules, _MODULE, raising=False)
        module = importlib.import_module(_MODULE)
        monkeypatch.setitem(sys.modules, _MODULE, module)

        def build(what: str, **options: Any) -> SagemakerConfig:
            job = SagemakerJob(module.ContractTask())
            packaging = Packaging("Contract", "0", {"job": job})
            packaging.project_folder = project
            packaging.silent = True
            containering = Containering.from_packaging(packaging)
            settings = SagemakerOptions(
                None, None, "contract", tmp_path / "datasets", hyperparameters={"what": what}, **options
            )
            return complete_delivery(SagemakerConfig(job, packaging, containering, settings))

        return build

    def test_a_job_that_completes_has_metrics_and_results(
        self, executor: Executor, build_delivery: BuildDelivery
    ) -> None:
        job_id = run(executor, build_delivery("succeed"))
        state = executor.status(job_id)
        assert (state.status, state.reason, state.lacks_machine) == (JobStatus.COMPLETED, None, False)
        assert state.exit_code in (0, None)
        assert read_metrics(executor, job_id) == [("loss", 1.0, 0), ("loss", 0.5, 1), ("loss", 1 / 3, 2)]
        executor.collect(job_id)
        with executor.load_result(job_id) as archive:
            assert archive.unpickle("runs/0/answer.pkl") == {"answer": 42}
            assert {"completed.json", "package.json", "runs/0/answer.pkl"} <= set(archive.list())

    def test_a_job_that_fails_says_why(self, executor: Executor, build_delivery: BuildDelivery) -> None:
        job_id = run(executor, build_delivery("fail"))
        state = executor.status(job_id)
        assert state.status is JobStatus.FAILED
        assert "ValueError: no luck" in str(state.reason)
        assert "\n" not in str(state.reason)
        assert b"the last words\n" in read_output(executor, job_id)
        executor.collect(job_id)
        with pytest.raises(ResultArchiveError):
            executor.load_result(job_id)

    def test_a_log_is_whole_from_any_position(self, executor: Executor, build_delivery: BuildDelivery) -> None:
        job_id = run(executor, build_delivery("talk"))
        whole = read_output(executor, job_id)
        said = [line.partition(" INFO: ")[2] for line in whole.decode().splitlines()]
        assert [line for line in said if line.startswith("line ")] == [f"line {number} ü" for number in range(100)]
        for position in (1, len(whole) // 2, len(whole) - 1, len(whole), len(whole) + 1):
            assert read_output(executor, job_id, position) == whole[position:]
        assert read_output(executor, job_id, 100, follow=False) == whole[100:]
        assert executor.find_missing_log(job_id, len(whole)) is None
        assert executor.find_missing_log(job_id, 9) == f"9 of its {len(whole):,} bytes are here"
        times = [event.time_ms for event in executor.logs(job_id)]
        assert times == sorted(times)
        executor.collect(job_id)
        assert read_output(executor, job_id) == whole

    def test_a_job_reads_its_dataset(self, executor: Executor, build_delivery: BuildDelivery, tmp_path: Path) -> None:
        for folder, content in (("one", b"rows"), ("other", b"other rows")):
            path = tmp_path / "datasets" / "contract" / folder / "data.txt"
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
            job_id = run(executor, build_delivery("read", dataset=f"{folder}/data.txt"))
            assert b"data: %s\n" % content in read_output(executor, job_id)

    def test_another_executor_of_the_same_options_finds_a_job(
        self, open_executor: OpenExecutor, build_delivery: BuildDelivery
    ) -> None:
        executor = open_executor()
        job_id = run(executor, build_delivery("succeed"))
        other = open_executor()
        assert other is not executor
        assert other.options == executor.options
        assert other.status(job_id) == executor.status(job_id)
        assert read_output(other, job_id) == read_output(executor, job_id)
        assert isinstance(other.facts(job_id), JobFacts)
        other.collect(job_id)
        with other.load_result(job_id) as archive:
            assert archive.unpickle("runs/0/answer.pkl") == {"answer": 42}

    def test_a_job_that_is_not_there_is_refused(self, executor: Executor, build_delivery: BuildDelivery) -> None:
        planned = executor.plan(build_delivery("succeed")).job_id
        for job_id in (planned, "nothing"):
            for act in (executor.status, executor.cancel, executor.kill, lambda each: list(executor.logs(each))):
                with pytest.raises(JobMissingError, match=job_id):
                    act(job_id)
            assert not executor.has_submitted(job_id)
            executor.discard(job_id)

    def test_each_plan_has_an_id_of_its_own(self, executor: Executor, build_delivery: BuildDelivery) -> None:
        delivery = build_delivery("succeed")
        ids = {executor.plan(delivery).job_id for _ in range(20)}
        assert len(ids) == 20
        assert {len(each) <= 63 and each.replace("-", "").isalnum() for each in ids} == {True}
        assert executor.plan(delivery, "mine").job_id == "mine"
        assert executor.plan(delivery).delivery is delivery

    def test_a_job_that_has_ended_stays_as_it_is_until_it_is_discarded(
        self, executor: Executor, build_delivery: BuildDelivery
    ) -> None:
        delivery = build_delivery("succeed")
        job_id = run(executor, delivery)
        for act in (executor.cancel, executor.kill):
            act(job_id)
            assert executor.status(job_id).status is JobStatus.COMPLETED
        assert executor.has_submitted(job_id)
        with pytest.raises(DeliveryError, match=job_id):
            executor.submit(executor.plan(delivery, job_id))
        for _ in range(2):
            executor.collect(job_id)
            with executor.load_result(job_id) as archive:
                assert archive.unpickle("runs/0/answer.pkl") == {"answer": 42}
        for _ in range(2):
            executor.discard(job_id)
        if executor.traits.keeps_results:
            with executor.load_result(job_id) as archive:
                assert archive.unpickle("runs/0/answer.pkl") == {"answer": 42}
        else:
            with pytest.raises(DeliveryError, match=job_id):
                executor.status(job_id)


class SeparateExecutorContract(ExecutorContract):
    """Tests for an executor whose jobs run elsewhere than in the process that submits them."""

    def test_a_job_is_executed_to_its_end(
        self, executor: Executor, build_delivery: BuildDelivery, capsys: pytest.CaptureFixture[str]
    ) -> None:
        executor.execute(executor.plan(build_delivery("talk")))
        assert "INFO: line 99 ü\n" in capsys.readouterr().out
        with pytest.raises(JobFailedError) as caught:
            executor.execute(executor.plan(build_delivery("fail")))
        first, *rest = str(caught.value).splitlines()
        assert " has failed: " in first
        assert "ValueError: no luck" in first
        assert any(line.endswith("the last words") for line in rest)
        assert len(rest) <= 50

    def test_what_cannot_be_started_leaves_nothing(self, executor: Executor, build_delivery: BuildDelivery) -> None:
        delivery = build_delivery("succeed")
        delivery.packaging.payload["job"] = lambda: None
        request = executor.plan(delivery)
        with pytest.raises(DeliveryError, match="lambda"):
            executor.submit(request)
        assert not executor.has_submitted(request.job_id)
        with pytest.raises(DeliveryError, match=request.job_id):
            executor.status(request.job_id)

    def test_a_job_gets_its_variables(self, executor: Executor, build_delivery: BuildDelivery) -> None:
        job_id = run(executor, build_delivery("look", environment={"COLOUR": "red or 'blue'", "PYTHONPATH": "/more"}))
        assert b"colour: red or 'blue', looks for modules in /more: True\n" in read_output(executor, job_id)

    def test_a_job_that_runs_is_followed_by_others(
        self, open_executor: OpenExecutor, build_delivery: BuildDelivery
    ) -> None:
        executor = open_executor()
        job_id = start(executor, build_delivery("wait"))
        other = open_executor()
        assert other.status(job_id) == JobState(JobStatus.RUNNING)
        assert b"waiting\n" in read_output(other, job_id, follow=False)
        assert executor.has_submitted(job_id)
        with suppress(DeliveryError):  # where there is nothing to bring, there is nothing to refuse
            other.collect(job_id)
        with pytest.raises(DeliveryError):
            other.load_result(job_id)
        assert other.status(job_id) == JobState(JobStatus.RUNNING)
        other.cancel(job_id)
        assert executor.status(job_id).status is JobStatus.STOPPED

    def test_a_job_that_is_cancelled_is_stopped(self, executor: Executor, build_delivery: BuildDelivery) -> None:
        job_id = start(executor, build_delivery("wait"))
        executor.cancel(job_id)
        state = executor.status(job_id)
        assert state.status is JobStatus.STOPPED
        assert state.reason
        assert "\n" not in state.reason
        executor.cancel(job_id)
        executor.kill(job_id)
        assert executor.status(job_id) == state
        executor.collect(job_id)
        assert b"waiting\n" in read_output(executor, job_id)

    def test_a_job_that_does_not_stop_is_killed(self, executor: Executor, build_delivery: BuildDelivery) -> None:
        job_id = start(executor, build_delivery("resist"))
        executor.cancel(job_id)
        assert executor.status(job_id).status is JobStatus.STOPPED

    def test_a_job_is_killed_at_once(self, executor: Executor, build_delivery: BuildDelivery) -> None:
        job_id = start(executor, build_delivery("resist"))
        executor.kill(job_id)
        read_output(executor, job_id)
        assert executor.status(job_id).status is JobStatus.STOPPED

    def test_jobs_run_at_the_same_time(self, executor: Executor, build_delivery: BuildDelivery) -> None:
        delivery = build_delivery("wait")
        jobs = [start(executor, delivery) for _ in range(2)]
        assert [executor.status(each).status for each in jobs] == [JobStatus.RUNNING] * 2
        executor.cancel(jobs[0])
        assert [executor.status(each).status for each in jobs] == [JobStatus.STOPPED, JobStatus.RUNNING]
        executor.cancel(jobs[1])


def run(executor: Executor, delivery: SagemakerConfig) -> str:
    """Runs a job to its end, whatever that is, and returns its id."""
    request = executor.plan(delivery)
    # Where jobs run in this process, what they raise comes out here.
    with suppress(*((Exception,) if executor.traits.is_in_process else ())):
        executor.submit(request)
    read_output(executor, request.job_id)
    return request.job_id


def start(executor: Executor, delivery: SagemakerConfig) -> str:
    """Starts a job of ``wait`` or ``resist``, and returns its id when it waits."""
    request = executor.plan(delivery)
    executor.submit(request)
    output = b""
    for event in executor.logs(request.job_id):
        output += event.data
        if b"waiting\n" in output:
            return request.job_id
    raise AssertionError(output.decode())


def read_output(executor: Executor, job_id: str, position: int = 0, follow: bool = True) -> bytes:
    """Reads a job's log."""
    return b"".join(event.data for event in executor.logs(job_id, position, follow))


def read_metrics(executor: Executor, job_id: str) -> list[tuple[str, float, int]]:
    """Reads the metrics in a job's log."""
    parser = MetricLineParser()
    events = [event for event in executor.logs(job_id) if event.has_metrics]
    points = [point for event in events for point in parser.feed(event.data, event.time_ms)]
    return [(point.name, point.value, point.step) for point in points]
