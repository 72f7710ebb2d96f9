"""What MLflow records by itself is seen while a script trains without a network, and its models predict elsewhere."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import docker
import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Run
from playwright.sync_api import expect

from tests.browser import Browser, require_chromium
from tests.integration.scripts.places import ScriptProject, the_training
from tests.launcher import Launcher
from tests.learner_libraries import link_libraries
from tests.processes import wait_for
from tests.tracking_server import TrackingServer

# Loads models and predicts, where nothing of ours and nothing of the project can be imported.
PREDICT = """
import json, sys
sys.modules.update(tg=None, tg_mlflow=None)  # as if they were not installed
sys.modules["sklearn.externals.array_api_compat.torch"] = None  # by which all of scikit-learn would import PyTorch
import mlflow, numpy
rows = numpy.array([[-2.0, 0.0], [2.0, 0.0]], sys.argv[1])
for uri in sys.argv[2:]:
    print(json.dumps([round(float(each)) for each in mlflow.pyfunc.load_model(uri).predict(rows).ravel()]))
"""
# Where a container finds what is in the channel of libraries.
LIBRARIES = "/opt/ml/input/data/libraries"

TrainSeen = Callable[..., Run]


@pytest.fixture(scope="session")
def chromium() -> str:
    return require_chromium()


@pytest.fixture
def train_seen(
    chromium: str,
    sqlite_server: TrackingServer,
    tmp_path: Path,
    image: dict[str, Any],
    docker_daemon: docker.DockerClient,
) -> TrainSeen:
    """Trains one of the projects in a container without a network, and looks at the run's page while it waits there."""

    def train(source: str, metric: str, **config: Any) -> Run:
        project = ScriptProject(tmp_path / "project", source)
        project.declare_image()
        store = MlflowClient(sqlite_server.uri)
        given = json.dumps({"network": "none", **image, **config})
        with Launcher(project, "local", tmp_path, "--backend-config", given) as launcher:
            launcher.wait_for("waiting")
            run = the_training(store)
            wait_for(lambda: metric in the_training(store).data.metrics)
            with Browser(chromium, tmp_path / "profile", source) as browser:
                page = browser.page
                page.goto(f"{sqlite_server.uri}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}")
                expect(page.get_by_text(metric).first).to_be_visible()
                expect(page.get_by_text("Running").first).to_be_visible()
                browser.keep_picture("training")
            job = docker_daemon.containers.get(run.data.tags["tg.job_id"])
            assert job.exec_run(["touch", "/tmp/go-on"]).exit_code == 0
            launcher.wait_for(" FINISHED")
            assert launcher.wait_for_end() == 0, launcher.output
        return the_training(store)

    return train


def predict_elsewhere(folder: Path, models: Iterable[LoggedModel], numbers: str) -> str:
    """Lets models predict in a process that has neither the project nor this library."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    return subprocess.run(
        [sys.executable, "-I", "-c", PREDICT, numbers, *(f"models:/{each.model_id}" for each in models)],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def read_points(store: MlflowClient, run: Run, metric: str) -> tuple[list[int], list[float]]:
    """Reads the steps of a metric, in the order in which they were recorded, and its values by step."""
    points = store.get_metric_history(run.info.run_id, metric)
    return [each.step for each in points], [each.value for each in sorted(points, key=lambda each: each.step)]


def test_metrics_are_seen_while_it_trains_and_models_predict_elsewhere(
    train_seen: TrainSeen, sqlite_server: TrackingServer, tmp_path: Path
) -> None:
    run = train_seen("autolog", "training_accuracy_score")
    store = MlflowClient(sqlite_server.uri)
    assert run.data.params["solver"] == "lbfgs"
    below = store.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    children = {each.info.run_name: each for each in below}
    assert set(children) == {"xgboost", "lightgbm"}
    for name, metric in (("xgboost", "train-logloss"), ("lightgbm", "train-binary_logloss")):
        assert children[name].info.status == "FINISHED"
        steps, losses = read_points(store, children[name], metric)
        assert steps == [0, 1, 2]
        assert losses == sorted(losses, reverse=True)
    models = store.search_logged_models([run.info.experiment_id])
    assert [str(each.status) for each in models] == ["READY"] * 3
    assert {each.source_run_id for each in models} == {each.info.run_id for each in (run, *below)}
    assert predict_elsewhere(tmp_path, models, "float64") == "[0, 1]\n" * 3


def test_pytorch_lightning_with_libraries_of_a_channel(
    train_seen: TrainSeen, sqlite_server: TrackingServer, tmp_path: Path
) -> None:
    """PyTorch would make the image twice as large, so the container reads the libraries that are installed here."""
    link_libraries(tmp_path / "libraries", "torch", "pytorch-lightning")
    given = {"channels": {"libraries": str(tmp_path / "libraries")}, "environment": {"PYTHONPATH": LIBRARIES}}
    run = train_seen("lightning", "val_loss", **given)
    store = MlflowClient(sqlite_server.uri)
    assert {name: run.data.params[name] for name in ("epochs", "optimizer_name", "lr")} == {
        "epochs": "5",
        "optimizer_name": "SGD",
        "lr": "0.1",
    }
    for metric in ("train_loss", "val_loss"):
        steps, losses = read_points(store, run, metric)
        assert steps == [0, 1, 2, 3, 4]
        assert losses == sorted(losses, reverse=True)
        assert losses[-1] < 0.001
    # what is kept again and again is in the run as it was last
    path = store.download_artifacts(run.info.run_id, "checkpoints/latest_checkpoint_metrics.json", str(tmp_path))
    latest = json.loads(Path(path).read_text(encoding="utf-8"))
    assert (latest["epoch"], latest["global_step"]) == (4, 50)
    assert run.data.tags["mlflow.latest_checkpoint_artifact"] == "checkpoints/latest_checkpoint.pth"
    (model,) = store.search_logged_models([run.info.experiment_id])
    assert (str(model.status), model.source_run_id) == ("READY", run.info.run_id)
    assert predict_elsewhere(tmp_path, [model], "float32") == "[0, 1]\n"
