"""A script for SageMaker finds the same in all places, and leaves the same."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.support import BUCKET
from tests.integration.scripts.places import ScriptProject, the_training, train

CONFIG = {
    "hyperparameters": {"learning-rate": 0.5},
    "metric_regexes": {
        "train_loss": r"\[(?P<step>\d+)\] train-loss=([0-9.]+)",
        "test_loss": r"\] .* test-loss=([0-9.]+)",
    },
}
CHANNELS = {"train": "data/train", "test": "data/test"}


@pytest.fixture
def project(tmp_path: Path) -> ScriptProject:
    return ScriptProject(tmp_path / "project", "script_mode")


def check(store: MlflowClient, folder: Path) -> None:
    run = the_training(store)
    points = {
        name: [(each.step, each.value) for each in store.get_metric_history(run.info.run_id, name)]
        for name in run.data.metrics
        if not name.startswith("tg.")
    }
    assert points == {"train_loss": [(0, 0.5), (1, 0.25), (9, 0.125)], "test_loss": [(0, 1.0), (1, 2.0)]}
    report = Path(store.download_artifacts(run.info.run_id, "output/deep/report.json", str(folder)))
    assert json.loads(report.read_text()) == {
        "train": {"a.txt": "1", "b.txt": "2"},
        "test": {"c.txt": "5"},
        "channels": ["test", "train"],
        "hosts": ["algo-1"],
        "host": "algo-1",
        "gpus": 0,
        "epochs": "2",
        "hyperparameters": {"epochs": 2, "learning-rate": 0.5},
    }
    with tarfile.open(store.download_artifacts(run.info.run_id, "result/model.tar.gz", str(folder))) as archive:
        model = archive.extractfile("model.json")
        assert model is not None
        assert json.load(model) == {"weights": [1, 2]}
    log = Path(store.download_artifacts(run.info.run_id, "logs/train.log", str(folder))).read_text()
    assert "[9] train-loss=0.125" in log


@pytest.mark.parametrize("place", ["attached", "process"])
def test_on_this_machine(project: ScriptProject, store: MlflowClient, tmp_path: Path, place: str) -> None:
    train(project, place, tmp_path, channels=CHANNELS, **CONFIG)
    check(store, tmp_path)


def test_in_a_container(project: ScriptProject, store: MlflowClient, tmp_path: Path, image: dict[str, Any]) -> None:
    train(project, "local", tmp_path, network="none", channels=CHANNELS, **CONFIG, **image)
    check(store, tmp_path)


def test_on_sagemaker(
    project: ScriptProject,
    store: MlflowClient,
    tmp_path: Path,
    aws: AwsEmulator,
    image: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    for path in (project.path / "data").glob("*/*"):
        aws.s3.upload_file(str(path), BUCKET, f"sagemaker/{path.parent.name}/{path.name}")
    channels = {name: f"s3://{BUCKET}/sagemaker/{name}" for name in CHANNELS}
    train(project, "sagemaker", tmp_path, bucket=BUCKET, channels=channels, **CONFIG, **image)
    check(store, tmp_path)
