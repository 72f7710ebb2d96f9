"""A script with each kind of MLflow's calls leaves the same run in all places as beside the tracking server."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.support import BUCKET
from tests.integration.scripts.places import ScriptProject, the_training, train
from tests.integration.scripts.recorded import Items, compare, read_training

WORDS = ("-P", "alpha=0.5", "--run-name=all")
# In the files of a model stand ids of objects, besides what its predictions tell.
MODEL_FILES = r".*\.artifact\.model\.(skops|pkl)"
# What is installed where a model was made.
INSTALLED = r".*\.artifact\.(conda\.yaml|python_env\.yaml|requirements\.txt)|.*\.file\.flavors\.python_version"
# Loads a model and predicts, where nothing of ours and nothing of the project can be imported.
PREDICT = """
import sys
sys.modules["sklearn.externals.array_api_compat.torch"] = None  # by which all of scikit-learn would import PyTorch
import mlflow, pandas
clouds = pandas.DataFrame({"x": [-1.0, 0.5, 2.0], "y": [0.0, 0.0, 0.0]})
print(mlflow.pyfunc.load_model(sys.argv[1]).predict(clouds).tolist())
print([name for name in sys.modules if name.startswith(("tg_scripts", "train", "clouds", "tg_mlflow"))])
"""


@pytest.fixture(scope="session")
def plain(record_plainly: Callable[..., Items]) -> Items:
    items = record_plainly("all_calls", *WORDS)
    assert items["training.metric.loss"] == [[0, 1.0, "", ""], [1, 0.5, "", ""], [2, 1 / 3, "", ""]]
    assert items["depth 2/grandchild.metric.deep"] == [[0, 1.0, "", ""]]
    assert items["classifier of training.predictions"] == [0, 0, 1]
    assert len(items) > 190
    return items


@pytest.fixture
def project(tmp_path: Path) -> ScriptProject:
    project = ScriptProject(tmp_path / "project", "all_calls")
    project.declare_image()
    return project


def record(project: ScriptProject, place: str, store: MlflowClient, folder: Path, **config: Any) -> Items:
    train(project, place, folder, *WORDS, **config)
    training = the_training(store)
    # For people, if what is compared differs: autologging only warns of what fails.
    sys.stdout.write(Path(store.download_artifacts(training.info.run_id, "logs/train.log", str(folder))).read_text())
    return read_training(store, training)


def test_in_this_process(project: ScriptProject, store: MlflowClient, tmp_path: Path, plain: Items) -> None:
    assert compare(plain, record(project, "attached", store, tmp_path), MODEL_FILES) == ""


def test_in_a_child_process(project: ScriptProject, store: MlflowClient, tmp_path: Path, plain: Items) -> None:
    assert compare(plain, record(project, "process", store, tmp_path, env_manager="local"), MODEL_FILES) == ""


def test_in_a_container_without_a_network(
    project: ScriptProject, store: MlflowClient, tmp_path: Path, plain: Items, image: dict[str, Any]
) -> None:
    found = record(project, "local", store, tmp_path, network="none", **image)
    assert compare(plain, found, f"{MODEL_FILES}|{INSTALLED}") == ""
    (model,) = [
        each
        for each in store.search_logged_models([the_training(store).info.experiment_id])
        if each.name == "classifier"
    ]
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    command = [sys.executable, "-I", "-c", PREDICT, model.artifact_location]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    assert told == "[0, 0, 1]\n[]\n"


def test_on_sagemaker(
    project: ScriptProject,
    store: MlflowClient,
    tmp_path: Path,
    plain: Items,
    aws: AwsEmulator,
    image: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    found = record(project, "sagemaker", store, tmp_path, bucket=BUCKET, **image)
    assert compare(plain, found, f"{MODEL_FILES}|{INSTALLED}") == ""
