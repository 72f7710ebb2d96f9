"""Artifact stores that do not take what a training has made: it is FINISHED all the same, and its run says the rest."""

import socket
from pathlib import Path

import boto3
import pytest
from mlflow import MlflowClient
from moto.server import ThreadedMotoServer

from tests.launcher import ArtifactServer, Launcher, attach, record_at
from tests.support import ProjectFolder, all_runs

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            environment.output_metric("loss", 0.5, 0)


    def build_task():
        return Task()
"""


class StrictArtifactStore(ArtifactServer):
    """Refuses artifacts with some names, as a proxy does that limits their size.

    Attributes:
        limits: The names, which may change.
    """

    def __init__(self, *limits: str) -> None:
        super().__init__()
        self.limits = set(limits)

    def judge(self, artifact: str) -> int:
        return 413 if artifact in self.limits else 200


@pytest.fixture
def quick(project: ProjectFolder) -> ProjectFolder:
    project.write("tasks.py", TASKS)
    project.write("MLproject", "name: p\nentry_points: {main: {command: 'tg-mlflow train tasks:build_task'}}")
    project.write("tg.json", "{}")
    return project


def test_what_is_too_large_is_named_and_the_rest_is_there(
    quick: ProjectFolder, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StrictArtifactStore("model.tar.gz") as artifacts:
        monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", record_at(store, artifacts))
        with Launcher(quick, "process", tmp_path) as launcher:
            assert launcher.wait_for_end() == 0, launcher.output
        (run,) = all_runs(store)
        assert run.info.status == "FINISHED"
        told = run.data.tags["tg.not_uploaded"]
        assert told.startswith("the results are not uploaded (result/model.tar.gz: ")
        assert "413" in told
        assert told.endswith(f"they are kept: run `tg-mlflow attach {run.info.run_id}` to try again")
        (package,) = set(artifacts.taken) - {"environment.json", "train.log", "task.json"}
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
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", store.create_experiment("s3", artifact_location="s3://experiments/ours"))
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
    found = {key.removeprefix(root).partition("/")[0] for key in keys}
    assert found == {"environment.json", "logs", "package", "result", "task.json"}
    run = store.get_run(run.info.run_id)
    assert (run.info.status, "tg.not_uploaded" in run.data.tags) == ("FINISHED", False)
