"""A small project for ``tg-sagemaker``, jobs of it that are functions, and runs of it in this process."""

import json
import re
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import ExecutionException
from mlflow.projects.submitted_run import SubmittedRun

from tests.aws_emulator import AwsEmulator
from tests.support import ProjectFolder, all_runs
from tg.common.delivery.sagemaker import AccountOptions, Executor, Pacing, RemoteExecutor, SharedAccount
from tg.common.delivery.sagemaker.archive.completion import add_log_size
from tg.common.delivery.sagemaker.archive.result_archive import write_completion_marker, write_result_archive
from tg_mlflow.backend.project_backend import SagemakerBackend
from tg_mlflow.places.sagemaker import SagemakerPlace

READY_NAME = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/ready:1"
POINTS = [(step, 1 / (step + 1)) for step in range(40)]
"""What a job says of ``loss``, as ``(step, value)``."""
FIRST_HALF = POINTS[:20]

FAST = Pacing(
    status_seconds=0.1,
    log_seconds=0.1,
    quiet_seconds=0.4,
    drain_seconds=20,
    search_seconds=0.1,
    streams_seconds=0.3,
    create_seconds=0.05,
    patience_seconds=20,
)

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def get_metric_names(self):
            return ["loss"]

        def run_with_environment(self, data, environment):
            raise AssertionError("jobs of these tests are functions")


    def build_task():
        return Task()
"""

MLPROJECT = """
    name: points
    entry_points:
      main:
        command: "tg-mlflow train tasks:build_task"
"""


class Job:
    """What jobs do: say half of the metrics, stay until they are let go or stopped, say the rest, leave an archive.

    Attributes:
        may_end: Whether they need not stay in the middle.
        exit_code: What they return; with another one than 0, they leave no archive.
        meanwhile: Called in the middle with the job's name.
        started: The names of the jobs so far, one that was restarted twice.
        aws: Where they run.
        archive: What they leave.
    """

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.exit_code = 0
        self.meanwhile: Callable[[str], object] = lambda name: None
        self.started: list[str] = []
        self.aws: AwsEmulator
        self.archive = build_archive()

    def __call__(
        self, request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]
    ) -> int:
        name = request["TrainingJobName"]
        self.started.append(name)
        _say(FIRST_HALF, write_line)
        self.meanwhile(name)
        while not self.may_end.wait(0.05):
            if is_stopped():
                return 143
        if is_stopped():
            return 143
        _say(POINTS[len(FIRST_HALF) :], write_line)
        if self.exit_code == 0:
            place = urlsplit(f"{request['OutputDataConfig']['S3OutputPath']}/{name}/output/model.tar.gz")
            self.aws.s3.put_object(Bucket=place.netloc, Key=place.path[1:], Body=self.archive)
        return self.exit_code


class FastBackend(SagemakerBackend):
    """``tg-sagemaker``, but quicker than AWS would like it."""

    def __init__(self, pacing: Pacing = FAST) -> None:
        super().__init__()
        self._pacing = pacing

    def run(self, *arguments: Any, **named: Any) -> SubmittedRun:
        with patch.object(SagemakerPlace, "open", self._open):
            return super().run(*arguments, **named)

    def _open(self, options: AccountOptions, is_shared: bool = False) -> Executor:
        account = SharedAccount(options.region, options.profile, pacing=self._pacing) if is_shared else None
        return RemoteExecutor(options, pacing=self._pacing, account=account)


def _say(points: Sequence[tuple[int, float]], write_line: Callable[[str], None]) -> None:
    for step, value in points:
        write_line(f"###METRIC###loss:{value!r}###step:{step}###")


def build_archive(log_size: Mapping[str, Any] | None = None) -> bytes:
    """The smallest result archive that is complete; it may say how much its job has written."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "model")
        folder.mkdir()
        properties = {"name": "Task", "version": "1", "module_name": "Task__1", "tg_import_path": "Task__1.tg"}
        (folder / "package.json").write_text(json.dumps(properties))
        (folder / "package.tag.gz").write_bytes(b"a package")
        (folder / "task.json").write_text("{}")
        write_completion_marker(folder)
        if log_size is not None:
            add_log_size(folder, log_size)
        write_result_archive(folder, Path(scratch, "model.tar.gz"))
        return Path(scratch, "model.tar.gz").read_bytes()


def train(
    project: ProjectFolder,
    store: MlflowClient,
    backend: SagemakerBackend | None = None,
    **config: Any,
) -> SubmittedRun:
    """Trains in this process, and returns when the run has ended or cannot be followed."""
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    return (backend or FastBackend()).run(
        str(project.path), "main", {}, None, config, store.tracking_uri, experiment.experiment_id
    )


def train_to_fail(project: ProjectFolder, store: MlflowClient, **config: Any) -> str:
    """Trains in vain, and returns what is said then: one line, and below it the end of the job's log, if any."""
    with pytest.raises(ExecutionException) as caught:
        train(project, store, SYNCHRONOUS=True, **config).wait()
    return str(caught.value)


def the_run(store: MlflowClient) -> Run:
    (run,) = all_runs(store)
    return run


def points_of(store: MlflowClient, run: Run) -> list[tuple[int, float]]:
    """All that is recorded of ``loss``, as ``(step, value)``, a doubled point twice."""
    return sorted((each.step, each.value) for each in store.get_metric_history(run.info.run_id, "loss"))


def artifacts_of(store: MlflowClient, run: Run, folder: str | None = None) -> set[str]:
    """The paths of what a run's artifacts have in a folder."""
    return {each.path for each in store.list_artifacts(run.info.run_id, folder)}


def states_of(aws: AwsEmulator) -> list[str]:
    """Every job's status, the oldest job first."""
    return [job.status for job in aws.jobs]


def assert_finished(store: MlflowClient) -> None:
    """Checks that the run has all that a training makes."""
    run = the_run(store)
    assert run.info.status == "FINISHED"
    assert artifacts_of(store, run) == {"logs", "package", "result", "task.json"}
    assert artifacts_of(store, run, "result") == {"result/model.tar.gz"}
    (package,) = artifacts_of(store, run, "package")
    assert re.fullmatch(r"package/Task-\w{8}\.tar\.gz", package)
