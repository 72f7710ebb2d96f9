"""A spot job that is interrupted again and again and keeps checkpoints: its run is that of one that was not."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import assert_finished, build_archive, points_of, the_run, train
from tests.support import ProjectFolder
from tg.common.delivery.sagemaker.contract.job_lines import format_job_lines
from tg_mlflow.tracking.events import read_events

STEPS = 60
CHECKPOINT_STEPS = 7


class Checkpointing:
    """Trains in steps, and goes on from the last checkpoint that SageMaker has copied to S3.

    Attributes:
        aws: Where it trains.
        interruptions: Before which step of each attempt its machine is reclaimed.
        noise: What is added to the loss in each attempt but the first one.
        attempts: The first step of each attempt so far.
    """

    def __init__(self, interruptions: Sequence[int], noise: float = 0) -> None:
        self.aws: AwsEmulator
        self.interruptions = list(interruptions)
        self.noise = noise
        self.attempts: list[int] = []

    def __call__(
        self, request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]
    ) -> int:
        name, uri = request["TrainingJobName"], request["CheckpointConfig"]["S3Uri"]
        write_line(b"".join(format_job_lines({"op": "start"})).decode().rstrip())
        last = self.interruptions.pop(0) if self.interruptions else STEPS
        self.attempts.append(self._load(uri))
        noise = self.noise if len(self.attempts) > 1 else 0
        for step in range(self.attempts[-1], STEPS):
            if step >= last:
                self.aws.interrupt_job(name)
                assert is_stopped()
                return 137
            write_line(f"###METRIC###loss:{1 / (step + 1) + noise!r}###step:{step}###")
            if step % CHECKPOINT_STEPS == 0:
                self._put(f"{uri.rstrip('/')}/step.json", json.dumps(step + 1).encode())
        self._put(f"{request['OutputDataConfig']['S3OutputPath']}/{name}/output/model.tar.gz", build_archive())
        return 0

    def _put(self, uri: str, content: bytes) -> None:
        place = urlsplit(uri)
        self.aws.s3.put_object(Bucket=place.netloc, Key=place.path[1:], Body=content)

    def _load(self, uri: str) -> int:
        place = urlsplit(f"{uri.rstrip('/')}/step.json")
        try:
            body = self.aws.s3.get_object(Bucket=place.netloc, Key=place.path[1:])["Body"]
        except ClientError:
            return 0
        return int(json.loads(body.read()))


def test_ten_interruptions_leave_the_points_of_a_training_that_has_none(
    make_simulated_aws: Callable[..., AwsEmulator], small_project: ProjectFolder, store: MlflowClient
) -> None:
    dice = random.Random(16)
    job = Checkpointing([*sorted(dice.randint(0, STEPS) for _ in range(5)), *dice.choices(range(STEPS), k=5)])
    job.aws = make_simulated_aws(job)
    assert train(small_project, store, role=job.aws.role_arn, spot=True, checkpoints=True).wait()
    assert_finished(store)
    run = the_run(store)
    assert points_of(store, run) == [(step, 1 / (step + 1)) for step in range(STEPS)]
    assert len(job.attempts) == 11
    assert run.data.tags["tg.attempts"] == "11"
    assert "tg.differing_metrics" not in run.data.tags
    states = [event.state for event in read_events(run)]
    assert (states.count("interrupted"), states.count("started"), states.count("restarted")) == (10, 1, 10)
    assert run.data.metrics["tg.lost_seconds"] > 0
    assert 0 < run.data.metrics["tg.lost_billable_seconds"] <= run.data.metrics["tg.billable_seconds"]


def test_points_that_differ_after_an_interruption_are_told(
    make_simulated_aws: Callable[..., AwsEmulator], small_project: ProjectFolder, store: MlflowClient
) -> None:
    job = Checkpointing([20], noise=0.5)
    job.aws = make_simulated_aws(job)
    assert train(small_project, store, role=job.aws.role_arn, spot=True, checkpoints=True).wait()
    run = the_run(store)
    expected = [(step, 1 / (step + 1) + (0.5 if step >= 20 else 0)) for step in range(STEPS)]
    assert (job.attempts, points_of(store, run)) == ([0, 15], expected)
    differing = json.loads(run.data.tags["tg.differing_metrics"])
    assert differing == {"count": 5, "metric": "loss", "step": 15, "first": "0.0625", "again": "0.5625", "attempt": 2}
