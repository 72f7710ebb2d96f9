"""Executors on a server of AWS's interfaces, and a hold on what they call and what is answered."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from moto.sagemaker.models import sagemaker_backends

from tests.unrun_task import Task
from tg.common.delivery.delivery import Containering, Package, Packaging
from tg.common.delivery.sagemaker import (
    RemoteOptions,
    SagemakerConfig,
    SagemakerJob,
    SagemakerOptions,
    SagemakerRemoteExecutor,
)
from tg.common.delivery.sagemaker.archive.result_archive import write_completion_marker, write_result_archive
from tg.common.delivery.sagemaker.remote.pacing import Pacing

REGION = "eu-central-1"
ROLE = "arn:aws:iam::123456789012:role/training"
FAST = Pacing(0.01, 0.01, 0.01, 1, 0.01, 0.01, create_seconds=0.01, patience_seconds=1)


class LazyPackaging(Packaging):
    """Must not be asked for a package: that would be slow."""

    def make_package(self, folder: Path) -> Package:
        raise AssertionError("a package is made")


class Account:
    """Executors that use one session, and what this session calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.session = boto3.Session(region_name=REGION)
        self.calls: list[str] = []
        self.session.events.register("before-call", lambda model, **_: self.calls.append(model.name))

    def make(
        self,
        remote: dict[str, Any] | None = None,
        packaging: type[Packaging] = Packaging,
        role: str | None = ROLE,
        **options: Any,
    ) -> SagemakerRemoteExecutor:
        job = SagemakerJob(Task())
        package = packaging("Points", "0", {"job": job})
        package.silent = True
        options = {"bucket": "pail", "project_name": "points", "datasets_folder": self.folder / "datasets", **options}
        settings = SagemakerOptions(
            role=role, remote=RemoteOptions(**{"image_uri": "an/image:1", **(remote or {})}), **options
        )
        config = SagemakerConfig(job, package, Containering.from_packaging(package), settings)
        return SagemakerRemoteExecutor(config, self.session, pacing=FAST)

    def on_call(self, operation: str, handler: Callable[[], Any]) -> None:
        """Runs something before a call is sent; what it returns is the answer, if it is anything."""
        self.session.events.register(f"before-call.sagemaker.{operation}", lambda **_: handler())

    @property
    def jobs(self) -> dict[str, Any]:
        found: dict[str, Any] = sagemaker_backends["123456789012"][REGION].training_jobs
        return found

    def put_result(self, job_id: str, text: str = "a result") -> None:
        """Uploads what a job has made."""
        model = self.folder / f"model-{text}"
        (model / "runs").mkdir(parents=True)
        (model / "runs" / "text").write_text(text)
        write_completion_marker(model)
        write_result_archive(model, self.folder / "packed")
        key = f"sagemaker/points/output/{job_id}/output/model.tar.gz"
        boto3.client("s3").upload_file(str(self.folder / "packed"), "pail", key)


def answer(code: str, message: str, status: int = 400) -> Any:
    response = AWSResponse("", status, {}, None)
    return response, {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }


def keep_environment(account: Account) -> None:
    """Lets the server remember a job's variables, which it forgets; to be asked for before anything is called."""
    sent: list[dict[str, Any]] = []

    def remember(**_: Any) -> None:
        for params in list(sent):  # which come from as many threads as one likes
            if (name := params["TrainingJobName"]) in account.jobs:
                account.jobs[name].environment = params["Environment"]

    events = account.session.events
    events.register("provide-client-params.sagemaker.CreateTrainingJob", lambda params, **_: sent.append(params))
    events.register("after-call.sagemaker.CreateTrainingJob", remember)


def stop_here(account: Account) -> list[str]:
    """Stops jobs in place of the server, which cannot; returns which."""
    stopped: list[str] = []

    def stop(params: dict[str, Any], **_: Any) -> Any:
        name = json.loads(params["body"])["TrainingJobName"]
        stopped.append(name)
        account.jobs[name].training_job_status = account.jobs[name].secondary_status = "Stopped"
        return AWSResponse("", 200, {}, None), {"ResponseMetadata": {"HTTPStatusCode": 200}}

    account.session.events.register("before-call.sagemaker.StopTrainingJob", stop)
    return stopped


def set_running(account: Account, job_id: str) -> None:
    account.jobs[job_id].training_job_status, account.jobs[job_id].secondary_status = "InProgress", "Training"
