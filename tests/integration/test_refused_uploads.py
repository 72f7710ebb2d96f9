"""Artifact stores that do not take what a training has made: it is FINISHED all the same, and its run says the rest."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
import pytest
from mlflow import MlflowClient
from moto.server import ThreadedMotoServer

from tests.launcher import Launcher, attach
from tests.support import ProjectFolder, all_runs

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            environment.output_metric("loss", 0.5, 0)


    def build_task():
        return Task()
"""


class StrictArtifactStore:
    """Takes artifacts over HTTP but those with some name, as a proxy does that limits their size.

    Attributes:
        limits: The names, which may change.
        taken: The last parts of the paths of what it has.
    """

    def __init__(self, *limits: str) -> None:
        self.limits = set(limits)
        self.taken: set[str] = set()
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                name = self.path.rpartition("/")[2]
                is_taken = name not in store.limits
                if is_taken:
                    store.taken.add(name)
                self.send_response(200 if is_taken else 413)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/artifacts"

    def __enter__(self) -> "StrictArtifactStore":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def quick(project: ProjectFolder) -> ProjectFolder:
    project.write("tasks.py", TASKS)
    project.write("MLproject", "name: p\nentry_points: {main: {command: 'tg-mlflow train tasks:build_task'}}")
    project.write("tg.json", "{}")
    return project


def record_at(store: MlflowClient, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", store.create_experiment("elsewhere", artifact_location=url))


@pytest.mark.parametrize("place", ["attached", "process"])
def test_what_is_too_large_is_named_and_the_rest_is_there(
    quick: ProjectFolder, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with StrictArtifactStore("model.tar.gz") as artifacts:
        record_at(store, artifacts.url, monkeypatch)
        with Launcher(quick, place, tmp_path) as launcher:
            assert launcher.wait_for_end() == 0, launcher.output
        (run,) = all_runs(store)
        assert run.info.status == "FINISHED"
        told = run.data.tags["tg.not_uploaded"]
        assert told.startswith("the results are not uploaded (result/model.tar.gz: ")
        assert "413" in told
        assert told.endswith(f"they are kept: run `tg-mlflow attach {run.info.run_id}` to try again")
        (package,) = artifacts.taken - {"train.log", "task.json"}
        assert package.startswith("Task-")
        again = attach(run.info.run_id, tmp_path)
        assert again.returncode == 1
        last = again.stderr.splitlines()[-1]
        assert f"=== the results of run {run.info.run_id} are still not uploaded; they are kept ===" in last
        assert "Traceback" not in launcher.output + again.stderr
        assert "tg.not_uploaded" in store.get_run(run.info.run_id).data.tags
        artifacts.limits.clear()
        done = attach(run.info.run_id, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "model.tar.gz" in artifacts.taken
    run = store.get_run(run.info.run_id)
    assert (run.info.status, "tg.not_uploaded" in run.data.tags) == ("FINISHED", False)
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_bucket_that_cannot_be_reached_fails_no_training(
    quick: ProjectFolder, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in {
        "MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "something",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    record_at(store, "s3://experiments/ours", monkeypatch)
    with Launcher(quick, "process", tmp_path) as launcher:
        assert launcher.wait_for_end() == 0, launcher.output
    (run,) = all_runs(store)
    assert run.info.status == "FINISHED"
    assert run.data.tags["tg.not_uploaded"].startswith("the results are not uploaded (task.json: ")
    assert "Traceback" not in launcher.output
    server = ThreadedMotoServer("127.0.0.1", port)
    server.start()
    try:
        s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
        s3.create_bucket(Bucket="experiments", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        done = attach(run.info.run_id, tmp_path)
        assert done.returncode == 0, done.stderr
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket="experiments")["Contents"]]
    finally:
        server.stop()
    root = f"ours/{run.info.run_id}/artifacts/"
    assert {key.removeprefix(root).partition("/")[0] for key in keys} == {"logs", "package", "result", "task.json"}
    run = store.get_run(run.info.run_id)
    assert (run.info.status, "tg.not_uploaded" in run.data.tags) == ("FINISHED", False)
