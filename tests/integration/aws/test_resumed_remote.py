"""A training that begins in a child process, goes on as a spot job that is interrupted, and ends in a child process."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import mlflow
import pytest
from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import FastBackend
from tests.integration.aws.support import BUCKET, list_keys, read_log
from tests.integration.docker.support import read_build_options
from tests.integration.resumable import (
    CONFIG,
    describe_build,
    expect_history,
    go_on,
    last_run,
    read_history,
    write_project,
)
from tests.processes import wait_for
from tests.support import ProjectFolder
from tg_mlflow.places.sagemaker import SagemakerPlace
from tg_mlflow.tracking.events import read_events

pytestmark = pytest.mark.usefixtures("jobs")


@contextmanager
def interrupting_at(aws: AwsEmulator, text: str) -> Iterator[None]:
    """Reclaims the machine of the only job once it has said something."""

    def find_job() -> str | None:
        jobs = boto3.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]
        return jobs[0]["TrainingJobName"] if jobs else None

    def has_said() -> bool:
        name = find_job()
        return name is not None and any(text in line for line in read_log(name))

    def interrupt() -> None:
        wait_for(has_said, 90)
        aws.interrupt_job(str(find_job()))

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    yield
    thread.join()


def test_an_interrupted_spot_job_goes_on_and_so_does_another_place(
    aws: AwsEmulator,
    project: ProjectFolder,
    store: MlflowClient,
    base_image: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_project(project)
    mlflow.projects.run(
        str(project.path), backend="tg-process", parameters={"end": "10:kill"}, backend_config=CONFIG, synchronous=False
    ).wait()  # fmt: skip
    first = last_run(store)
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    monkeypatch.setattr(SagemakerPlace, "open", FastBackend()._open)
    image = {"base_image": base_image, "build": describe_build(read_build_options())}
    remote = {**image, "bucket": BUCKET, "spot": True, "checkpoints": True}
    with interrupting_at(aws, "###step:21###"):
        second = go_on(store, first.info.run_id, "21:wait and raise", place="tg-sagemaker", config=remote)
    tags = second.data.tags
    assert (second.info.status, tags["tg.attempts"]) == ("FAILED", "2"), tags.get("tg.failure_reason")
    assert tags["tg.resumed_from_step"] == "20"
    said = [(event.state, event.cause) for event in read_events(second) if event.state == "resumed"]
    assert said == [("resumed", "from the checkpoint of step 8"), ("resumed", "from the checkpoint of step 20")]
    address = f"sagemaker/walk/checkpoints/{tags['tg.job_id']}"
    assert tags["tg.checkpoints"] == f"s3://{BUCKET}/{address}"
    assert all(key.startswith(f"{address}/tg-mlflow/") for key in list_keys("sagemaker/walk/checkpoints"))
    last = go_on(store, second.info.run_id, place="tg-process")
    assert (last.info.status, last.data.tags["tg.resumed_from_step"]) == ("FINISHED", "28")
    assert read_history(store, last) == expect_history()
    assert json.loads(last.data.tags["tg.state"])["config"]["resume_from"] == second.info.run_id
