"""Nothing secret of the launching machine is in a job on SageMaker, in S3, in the image or in the run."""

import gzip
import io
import json
import os
import tarfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.aws_emulator.api_call import ApiCall
from tests.integration.aws.numbers import FAST, MakeAws, make
from tests.integration.aws.policy import Policy
from tests.integration.aws.support import BUCKET
from tests.integration.docker.conftest import index
from tests.integration.docker.support import Index, files_of, stream_holds
from tests.launcher import Launcher
from tests.support import ProjectFolder, all_runs
from tests.unrun_task import Task
from tg.common import DeliveryError
from tg.common.delivery.delivery import Containering, DependencyList, ImageBuildOptions, Packaging
from tg.common.delivery.delivery.image.docker_client import connect
from tg.common.delivery.sagemaker import SagemakerConfig, SagemakerJob, SagemakerOptions, SagemakerRemoteExecutor

__all__ = ["index"]

READY_NAME = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/ready:1"
VARIABLES = {
    "AWS_SESSION_TOKEN": "s3cret-of-session",
    "HUB_TOKEN": "s3cret-of-hub",
    "MLFLOW_TRACKING_PASSWORD": "s3cret-of-tracking",
}
IN_FILE = {"DB_PASSWORD": "s3cret-of-database", "STORE_URL": "postgresql://me:s3cret-of-store@host/db"}
BUILD = {
    "args": {"INDEX_TOKEN": "s3cret-of-argument"},
    "proxies": {"https": "http://mole:s3cret-of-proxy@127.0.0.1:9", "no": "127.0.0.1"},
    "pip_extra_index_urls": ["https://mole:s3cret-of-extra@index.example/simple"],
}

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
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


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The values that must not be found; those of variables are set."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    builds = [f"s3cret-of-{name}" for name in ("argument", "proxy", "extra", "index")]
    return [*VARIABLES.values(), IN_FILE["DB_PASSWORD"], "s3cret-of-store", *builds]


@pytest.fixture
def secret_project(project: ProjectFolder) -> ProjectFolder:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", json.dumps({"bucket": BUCKET, "build": BUILD}))
    for name in ("environment.env", ".env", "production.env"):
        project.write(name, "".join(f"{each}={value}\n" for each, value in IN_FILE.items()))
    return project


def tell_all(content: bytes) -> Iterator[bytes]:
    """A file, and all that is in it where it is an archive."""
    yield content
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
        yield content
    if content[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                yield from tell_all(file.read()) if file is not None else [member.name.encode()]


def tell_bucket(aws: AwsEmulator) -> bytes:
    """The keys, metadata and contents of all objects."""
    told = b""
    for each in aws.s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
        found = aws.s3.get_object(Bucket=BUCKET, Key=each["Key"])
        told += each["Key"].encode() + json.dumps(found["Metadata"]).encode() + b"".join(tell_all(found["Body"].read()))
    return told


def found_in(told: bytes, secrets: list[str]) -> list[str]:
    return [secret for secret in secrets if secret.encode() in told]


def listen(aws: AwsEmulator, policy: Callable[[ApiCall], bool] = lambda call: True) -> list[str]:
    """Keeps all that clients send to AWS besides the contents of objects."""
    sent: list[str] = []

    def take(call: ApiCall) -> bool:
        sent.append(json.dumps([call.name, call.resource, call.context, call.parameters]))
        return policy(call)

    aws.faults.policy = take
    return sent


def run_job(request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
    """Says what a job could know only if its author had told it."""
    write_line(f"connecting with {IN_FILE['DB_PASSWORD']}")
    write_line("###METRIC###loss:0.5###")
    return 1  # a function makes no results


def test_a_project_with_a_ready_made_image(
    make_simulated_aws: MakeAws,
    secret_project: ProjectFolder,
    store: MlflowClient,
    tmp_path: Path,
    secrets: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = make_simulated_aws(run_job)
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    secrets.append(os.environ["AWS_SECRET_ACCESS_KEY"])
    policy = Policy("caller", PROJECT="points")
    sent = listen(aws, policy)
    config = json.dumps({"image_uri": READY_NAME, "tags": {"team": "blue"}})
    with Launcher(secret_project, "sagemaker", tmp_path, "--backend-config", config) as launcher:
        assert launcher.wait_for_end() == 1
    (job,) = aws.jobs
    (run,) = all_runs(store)
    assert run.data.tags["tg.job_id"] == job.name
    assert found_in(json.dumps(job.request).encode(), secrets) == []
    assert set(job.request["Environment"]) == {"TG_EXPERIMENT", "TG_RESOURCE", "TG_RUN_ID", "TG_SUBMISSION"}
    assert len(sent) > 10
    assert found_in("".join(sent).encode(), secrets) == []
    stored = tell_bucket(aws)
    assert b"def build_task" in stored
    assert found_in(stored, secrets) == []

    artifacts = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=str(tmp_path / "artifacts")))
    recorded = b"".join(b"".join(tell_all(path.read_bytes())) for path in artifacts.rglob("*") if path.is_file())
    assert b"connecting with ***\n" in recorded
    assert found_in(recorded, secrets) == []
    assert found_in(json.dumps(run.to_dictionary()).encode(), secrets) == []
    assert "connecting with ***\n" in launcher.output
    assert found_in(launcher.output.encode(), secrets) == []

    # The whole command needs no more than what the policies allow; prices are told where they may be known.
    assert policy.denied == {("pricing:GetProducts", "*")}


def test_a_dry_run_shows_none(
    make_simulated_aws: MakeAws,
    secret_project: ProjectFolder,
    store: MlflowClient,
    tmp_path: Path,
    secrets: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = make_simulated_aws(run_job)
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    policy = aws.faults.policy = Policy("caller", "caller-prices", PROJECT="points")
    with Launcher(secret_project, "sagemaker", tmp_path, "--backend-config", '{"dry_run": true}') as launcher:
        assert launcher.wait_for_end() == 0, launcher.output
    assert '"push": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/tg-mlflow/points"' in launcher.output
    assert found_in(launcher.output.encode(), secrets) == []
    assert policy.denied == set()


def test_a_build_that_fails(
    aws: AwsEmulator,
    index: Index,
    secret_project: ProjectFolder,
    store: MlflowClient,
    tmp_path: Path,
    base_image: str,
    secrets: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    build = {**BUILD, "network": "host", "pip_index_url": index.url, "pip_extra_index_urls": []}
    config = json.dumps({"build": build, "base_image": base_image})
    with Launcher(secret_project, "sagemaker", tmp_path, "--backend-config", config) as launcher:
        assert launcher.wait_for_end() == 1
    (run,) = all_runs(store)
    assert run.info.status == "FAILED"
    assert "cannot be built: step " in run.data.tags["tg.failure_reason"]
    assert index.requests != []
    assert found_in(json.dumps(run.to_dictionary()).encode(), secrets) == []
    assert found_in(launcher.output.encode(), secrets) == []
    assert aws.jobs == []


def test_an_image_that_is_built_and_pushed(
    aws: AwsEmulator,
    index: Index,
    base_image: str,
    secret_project: ProjectFolder,
    secrets: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    secrets += [os.environ["AWS_SECRET_ACCESS_KEY"], aws.registry.token]
    job = SagemakerJob(Task())
    packaging = Packaging("Secretive", "0", {"job": job})
    packaging.project_folder = secret_project.path
    containering = Containering.from_packaging(packaging)
    containering.image_name, containering.base_image = "tg-test-secretive", base_image
    containering.dependencies = [DependencyList("test", ["tg-test-private==1.0"])]
    # A template of its own, as the image could train nothing: one of ours would be tried before it is pushed.
    containering.dockerfile_template += "LABEL tg-test=secretive\n"
    # A name of its own, so that no image of an earlier test is taken.
    arguments = {f"TOKEN_{uuid.uuid4().hex}": BUILD["args"]["INDEX_TOKEN"]}  # type: ignore[call-overload]
    containering.build_options = ImageBuildOptions(
        network="host",
        args=arguments,
        proxies=BUILD["proxies"],
        pip_index_url=index.url,  # type: ignore[arg-type]
    )
    options = SagemakerOptions(aws.role_arn, BUCKET, "points", secret_project.path)
    executor = SagemakerRemoteExecutor(SagemakerConfig(job, packaging, containering, options), pacing=FAST)
    sent = listen(aws)
    job_id = executor.submit()
    executor.cancel(job_id)
    assert f"/files/{index.wheel}" in index.requests

    request, client = aws.job(job_id).request, connect()
    image = request["AlgorithmSpecification"]["TrainingImage"]
    try:
        # What the registry has, not only what was built.
        client.pull(image, auth_config=aws.registry.login)
        inspected = client.inspect_image(image)
        told = json.dumps([client.history(image), inspected, request, executor.facts(job_id).tags])
        assert "tg-mlflow.dependencies" in told
        assert found_in(told.encode(), secrets) == []
        marks = [b"value = 42", b"Secretive__0"]
        assert stream_holds(files_of(client, image), [*(each.encode() for each in secrets), *marks]) == set(marks)
    finally:
        client.remove_image("tg-test-secretive:0")
        client.remove_image(image, force=True)
        client.remove_image(inspected["Config"]["Labels"]["tg-mlflow.dependencies"])
    assert found_in("".join(sent).encode(), secrets) == []
    output = capsys.readouterr()
    assert "Successfully installed tg-test-private-1.0" in output.out
    assert found_in((output.out + output.err).encode(), secrets) == []


@pytest.mark.parametrize(
    ("where", "values"),
    [
        ("environment", {"DB_PASSWORD": "s3cret-of-database"}),
        ("environment", {"STORE": "postgresql://me:s3cret-of-store@host/db"}),
        ("hyperparameters", {"api_key": "s3cret-of-hub"}),
        ("hyperparameters", {"password": "s3cret-of-hub\ns3cret-of-hub"}),
        ("tags", {"where": "https://me:s3cret-of-store@host"}),
        ("tags", {"where": "https://me:s3cret-of-store@host?a=b"}),
        ("environment", {"STORE": "postgresql://me:s3cret-of-store@host/" + 512 * "d"}),
        ("environment", {"HUB_TOKEN": "s3cret-of-hub"}),
        ("hyperparameters", {"options.password": "s3cret-of-hub"}),
    ],
)
def test_what_is_given_to_a_job_and_looks_secret_is_refused_without_showing_it(
    make_simulated_aws: MakeAws, tmp_path: Path, secrets: list[str], where: str, values: dict[str, str]
) -> None:
    aws = make_simulated_aws()
    executor = make(aws, tmp_path, **({"tags": values} if where == "tags" else {}))
    if where != "tags":
        options: Any = replace(executor.config.options, **{where: values})
        executor = SagemakerRemoteExecutor(replace(executor.config, options=options), pacing=FAST)
    with pytest.raises(DeliveryError) as caught:
        executor.submit()
    assert found_in(str(caught.value).encode(), secrets) == []
    assert f"{next(iter(values))!r} in {where} looks like a secret" in str(caught.value)
    assert aws.jobs == []
