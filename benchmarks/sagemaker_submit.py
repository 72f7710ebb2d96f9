"""How long it takes to submit a script to SageMaker that has not changed since the last time, and with how many calls.

The script is one of scikit-learn in a folder of its own; it runs in an image that is there. Ours reads the project,
packages it and creates a job with it, as ``mlflow run`` does before it records anything. Beside it, in the same run:
``ModelTrainer.train(wait=False)`` of SageMaker's SDK, of a trainer that was made once. Both use the same bucket of the
same emulator of AWS, which shares no process with them; calls are counted there. Each side is a process that submits
whenever it is told to: its first submission counts as the cold one, from the start of the process on, and those from
the second on as warm ones.

Before anything is said, the script must be found in what each job is given.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from harness import Figure, Scale, measure_in_turns, run
from tests.aws_emulator import AwsEmulator

MOST_CALLS = 6
IMAGE = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/ready:1"
BUCKET = "benchmark"

SCRIPT = """
import argparse

from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

parser = argparse.ArgumentParser()
parser.add_argument("--C", type=float, default=1.0)
features, labels = make_classification(1000)
model = LogisticRegression(C=parser.parse_args().C).fit(features, labels)
print("accuracy:", model.score(features, labels))
"""

MLPROJECT = """
name: scores
entry_points:
  main:
    command: "python train.py --C 0.5"
"""

# Each submits once for each line that it reads, and answers with the job's name.
OURS = """
import sys
from pathlib import Path

from tg.common.delivery.sagemaker import AccountOptions, RemoteExecutor
from tg_mlflow.delivery.project_delivery import build_delivery
from tg_mlflow.places.loading import load_config
from tg_mlflow.places.sagemaker_config import RemoteConfig
from tg_mlflow.project.project import read_project

folder, bucket, image = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
executor = RemoteExecutor(AccountOptions())
for _ in sys.stdin:
    project = read_project(folder)
    config = load_config(RemoteConfig, project.folder, {"bucket": bucket, "image_uri": image})
    command = project.build_command("main", project.resolve_parameters("main", {}))
    request = executor.plan(build_delivery(command.build_task(), project, config))
    executor.submit(request)
    print("job", request.job_id, flush=True)
"""

THEIRS = """
import os
import sys

from sagemaker.core.helper.session_helper import Session
from sagemaker.core.training.configs import Compute, SourceCode
from sagemaker.train import ModelTrainer

folder, bucket, image = sys.argv[1:]
trainer = ModelTrainer(
    training_image=image,
    role=os.environ["AWS_ROLE"],
    source_code=SourceCode(source_dir=folder, command="python train.py --C 0.5"),
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    sagemaker_session=Session(default_bucket=bucket),  # to find the default one, it would leave the emulator
)
for number, _ in enumerate(sys.stdin):
    trainer.base_job_name = f"scores-{os.getpid()}-{number}"  # the SDK adds the time in whole seconds
    trainer.train(wait=False)
    print("job", trainer._latest_training_job.training_job_name, flush=True)
"""


class Submitter:
    """A process that submits when it is told to.

    Args:
        program: Its text.
        project: The folder of the script.
        folder: Where its files are.
        aws: Where it submits.
    """

    def __init__(self, program: str, project: Path, folder: Path, aws: AwsEmulator) -> None:
        self._start = time.perf_counter()
        self._aws = aws
        self.calls: list[str] = []
        self._errors = (folder / "errors.txt").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, str(project), BUCKET, IMAGE],
            env=build_environment(folder, aws),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def __enter__(self) -> Submitter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def submit_first(self) -> float:
        """Submits, and returns the seconds since the process was started."""
        self.submit()
        return time.perf_counter() - self._start

    def submit(self) -> float:
        """Submits, and returns the seconds that it took; keeps the calls."""
        before, start = len(self._aws.calls), time.perf_counter()
        job = self._ask()
        seconds = time.perf_counter() - start
        self.calls = [call.name for call in self._aws.calls[before:]]
        check_script(self._aws, job)
        return seconds

    def _ask(self) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith("job "):
                return line.split()[1]
        self._errors.seek(0)
        sys.exit(f"it could not be submitted:\n{self._errors.read()}")


def build_environment(folder: Path, aws: AwsEmulator) -> dict[str, str]:
    """Returns the variables of a process that finds the emulator, and sends no telemetry."""
    config = folder / "config.yaml"
    config.write_text("SchemaVersion: '1.0'\nSageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}\n")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAGEMAKER_"))}
    return {**own, **aws.environment, "AWS_ROLE": aws.role_arn, "SAGEMAKER_USER_CONFIG_OVERRIDE": str(config)}


def check_script(aws: AwsEmulator, job: str) -> None:
    """Ends the benchmark unless the script is in a channel of the job, itself or in the package of its project."""
    channels = aws.job(job).request["InputDataConfig"]
    for place in (urlsplit(each["DataSource"]["S3DataSource"]["S3Uri"]) for each in channels):
        for found in aws.s3.list_objects_v2(Bucket=place.netloc, Prefix=place.path[1:])["Contents"]:
            content = aws.s3.get_object(Bucket=place.netloc, Key=found["Key"])["Body"].read()
            if holds_script(found["Key"], content):
                return
    sys.exit(f"job {job} is not given its script")


def holds_script(name: str, content: bytes) -> bool:
    if not name.endswith((".tar.gz", ".tar")):
        return name.endswith("train.py") and content.decode() == SCRIPT
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        files = {each.name: archive.extractfile(each) for each in archive if each.isfile()}
        return any(holds_script(inner, file.read()) for inner, file in files.items() if file is not None)


def describe_calls(calls: Sequence[str]) -> str:
    return ", ".join(f"{count}x {name}" if count > 1 else name for name, count in Counter(calls).items())


def measure(scale: Scale) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as scratch, AwsEmulator(finish) as aws:
        project, folders = Path(scratch, "project"), [Path(scratch, name) for name in ("ours", "theirs")]
        for each in (project, *folders):
            each.mkdir()
        aws.create_bucket(BUCKET)
        (project / "train.py").write_text(SCRIPT)
        (project / "MLproject").write_text(MLPROJECT)
        cold = measure_in_turns(
            scale.pick(2, 0),
            ours=lambda: submit_in_new_process(OURS, project, folders[0], aws),
            theirs=lambda: submit_in_new_process(THEIRS, project, folders[1], aws),
        )
        with ExitStack() as submitters:
            ours = submitters.enter_context(Submitter(OURS, project, folders[0], aws))
            cold["ours"].append(ours.submit_first())
            theirs = submitters.enter_context(Submitter(THEIRS, project, folders[1], aws))
            cold["theirs"].append(theirs.submit_first())
            warm = measure_in_turns(scale.pick(15, 5), ours=ours.submit, theirs=theirs.submit)
            calls, their_calls = ours.calls, theirs.calls
    yield Figure.ratio(
        "sagemaker_submit.warm",
        "submitting to SageMaker again, nothing changed",
        "`ModelTrainer.train(wait=False)` of SageMaker's SDK",
        [1 / seconds for seconds in warm["ours"]],
        [1 / seconds for seconds in warm["theirs"]],
        2,
        more_is_better=True,
        unit="/s",
    )
    yield Figure(
        "sagemaker_submit.calls",
        "its calls to AWS",
        len(calls),
        "calls",
        wanted=MOST_CALLS,
        details=f"{describe_calls(calls)}; the SDK {len(their_calls)}: {describe_calls(their_calls)}",
    )
    yield Figure.ratio(
        "sagemaker_submit.cold",
        "the first submission of a process, from its start",
        "the same of the SDK",
        cold["ours"],
        cold["theirs"],
        None,
    )


def submit_in_new_process(program: str, project: Path, folder: Path, aws: AwsEmulator) -> float:
    with Submitter(program, project, folder, aws) as submitter:
        return submitter.submit_first()


def finish(request: dict[str, Any], write_line: Any, is_stopped: Any) -> int:
    """What jobs do here: nothing."""
    return 0


if __name__ == "__main__":
    run(measure, __doc__ or "")
