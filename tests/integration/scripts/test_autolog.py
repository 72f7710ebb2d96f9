"""What MLflow records by itself is seen while a script trains without a network, and its models predict elsewhere."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import docker
import pytest
from mlflow import MlflowClient
from playwright.sync_api import expect

from tests.browser import Browser, require_chromium
from tests.integration.scripts.places import ScriptProject, the_training
from tests.launcher import Launcher
from tests.processes import wait_for
from tests.tracking_server import TrackingServer

# Loads models and predicts, where nothing of ours and nothing of the project can be imported.
PREDICT = """
import json, sys
sys.modules.update(tg=None, tg_mlflow=None)  # as if they were not installed
import mlflow, numpy
rows = numpy.array([[-2.0, 0.0], [2.0, 0.0]])
for uri in sys.argv[1:]:
    print(json.dumps([round(float(each)) for each in mlflow.pyfunc.load_model(uri).predict(rows)]))
"""


@pytest.fixture(scope="session")
def chromium() -> str:
    return require_chromium()


def test_metrics_are_seen_while_it_trains_and_models_predict_elsewhere(
    chromium: str,
    sqlite_server: TrackingServer,
    tmp_path: Path,
    image: dict[str, Any],
    docker_daemon: docker.DockerClient,
) -> None:
    project = ScriptProject(tmp_path / "project", "autolog")
    project.declare_image()
    store = MlflowClient(sqlite_server.uri)
    config = json.dumps({"network": "none", **image})
    with Launcher(project, "local", tmp_path, "--backend-config", config) as launcher:
        launcher.wait_for("waiting")
        run = the_training(store)
        wait_for(lambda: "training_accuracy_score" in the_training(store).data.metrics)
        with Browser(chromium, tmp_path / "profile", "autolog") as browser:
            page = browser.page
            page.goto(f"{sqlite_server.uri}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}")
            expect(page.get_by_text("training_accuracy_score").first).to_be_visible()
            expect(page.get_by_text("Running").first).to_be_visible()
            browser.keep_picture("training")
        job = docker_daemon.containers.get(run.data.tags["tg.job_id"])
        assert job.exec_run(["touch", "/tmp/go-on"]).exit_code == 0
        launcher.wait_for(" FINISHED")
        assert launcher.wait_for_end() == 0, launcher.output

    run = the_training(store)
    assert run.data.params["solver"] == "lbfgs"
    below = store.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    children = {each.info.run_name: each for each in below}
    assert set(children) == {"xgboost", "lightgbm"}
    for name, metric in (("xgboost", "train-logloss"), ("lightgbm", "train-binary_logloss")):
        assert children[name].info.status == "FINISHED"
        points = store.get_metric_history(children[name].info.run_id, metric)
        losses = [each.value for each in sorted(points, key=lambda each: each.step)]
        assert [each.step for each in points] == [0, 1, 2]
        assert losses == sorted(losses, reverse=True)
    models = store.search_logged_models([run.info.experiment_id])
    assert [str(each.status) for each in models] == ["READY"] * 3
    assert {each.source_run_id for each in models} == {each.info.run_id for each in (run, *below)}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    told = subprocess.run(
        [sys.executable, "-I", "-c", PREDICT, *(f"models:/{each.model_id}" for each in models)],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told == "[0, 1]\n" * 3
