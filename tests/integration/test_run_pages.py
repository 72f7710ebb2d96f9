"""What a user sees in MLflow of the demo's run, of a sweep of it, of one that has failed, and of one that goes on."""

import json
import re
import runpy
import shutil
from pathlib import Path
from urllib.parse import urljoin

import mlflow
import pytest
from mlflow.exceptions import ExecutionException
from playwright.sync_api import Page, expect

from tests.browser import Browser, read_table, require_chromium
from tests.integration.test_compare_view import wait_for_figure, wait_for_no_process
from tests.launcher import Launcher, wait_until
from tests.support import ROOT, ProjectFolder
from tests.tracking_server import TrackingServer
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.new_run import find_or_create_experiment
from tg_mlflow.training.summary import describe_run

OTHERS = """
    import os
    import time
    from pathlib import Path

    from tg.common.ml.training_core import AbstractTrainingTask


    class Failing(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            look_up({"a": 1})


    def look_up(values):
        return values["b"]


    class Waiting(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            environment.log_progress(0, 16, "epoch")
            for epoch in range(8):
                environment.output_metric("loss", 1 / (epoch + 1), epoch)
            time.sleep(1.1)  # more often than once a second, progress is not told
            environment.log_progress(8, 16, "epoch")
            while not Path(os.environ["GATE"]).exists():
                time.sleep(0.02)


    def build_failing():
        return Failing()


    def build_waiting():
        return Waiting()
"""
MLPROJECT = """
    name: breast_cancer
    entry_points:
      main:
        parameters: {C: {type: float, default: 1.0}}
        command: "tg-mlflow train tasks:build_task C={C}"
      failing: {command: "tg-mlflow train others:build_failing"}
      waiting: {command: "tg-mlflow train others:build_waiting"}
"""
SWEEP = {
    "sweep": {"C": [0.01, 1.0]},
    "primary_metric": "roc_auc_score_test",
    "mode": "max",
    "log": {"figures": False, "model": False, "system_metrics_seconds": 0, "tables": False},
}
MODEL_TRAINING = "workflowType=machine_learning"  # not the pages for agents
EXAMPLE = ROOT / "examples" / "breast_cancer"
NAMES = {"main": "logistic regression", "failing": "wrong column", "waiting": "network, 16 epochs", "sweep": "two of C"}
METRICS = ["accuracy_score_test", "roc_auc_score_test", "accuracy_score_train", "roc_auc_score_train"]
SYSTEM_METRICS = [
    "cpu_utilization_percentage",
    "disk_available_megabytes",
    "disk_usage_megabytes",
    "disk_usage_percentage",
    "system_memory_usage_megabytes",
    "system_memory_usage_percentage",
]
# Of each chart, the numbers that its curve goes through, and how that is drawn.
READ_CURVES = """
    charts => charts.map(chart => [
        Array.from(chart.data[0].y),
        chart.querySelector("path.js-line").getAttribute("d"),
    ])
"""


@pytest.fixture(scope="session")
def chromium() -> str:
    return require_chromium()


def test_the_pages_of_runs_say_what_is_known_of_them(
    chromium: str,
    sqlite_server: TrackingServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = ProjectFolder(tmp_path / "breast_cancer")
    profile, gate, client = tmp_path / "profile", tmp_path / "gate", TrackingClient(sqlite_server.uri)
    monkeypatch.setenv("GATE", str(gate))
    mlflow.set_tracking_uri(sqlite_server.uri)
    experiment_id = find_or_create_experiment(client, "breast_cancer")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", experiment_id)
    monkeypatch.delenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING")
    shutil.copytree(EXAMPLE, project.path, dirs_exist_ok=True)
    runpy.run_path(str(project.path / "prepare_data.py"), run_name="__main__")
    project.write("others.py", OTHERS)
    project.write("MLproject", MLPROJECT)
    log = {"check_model": False, "tables": False, "system_metrics_seconds": 0.5}
    project.write("tg.json", json.dumps({"dataset": "breast_cancer.parquet", "log": log}))
    with Launcher(project, "attached", tmp_path, "-e", "waiting", "--run-name", NAMES["waiting"]) as launcher:
        for entry_point in ("main", "failing"):
            try:
                mlflow.projects.run(str(project.path), entry_point, backend="tg-attached", run_name=NAMES[entry_point])
            except ExecutionException:
                assert entry_point == "failing"
        mlflow.projects.run(str(project.path), backend="tg-attached", backend_config=SWEEP, run_name=NAMES["sweep"])
        found = {run.info.run_name: run.info.run_id for run in client.search_runs([experiment_id])}
        runs = {entry_point: found[name] for entry_point, name in NAMES.items()}
        page_of = {name: describe_run(client, run_id).rpartition("see it: ")[2] for name, run_id in runs.items()}
        wait_until(lambda: "epoch 8 of 16" in client.get_run(runs["waiting"]).data.tags["mlflow.note.content"])
        with Browser(chromium, profile, "run") as browser:
            page = browser.page
            page.goto(page_of["main"])
            check_finished(browser, page, runs["main"])
            page.goto(f"{sqlite_server.uri}/#/experiments/{experiment_id}/models?{MODEL_TRAINING}")
            check_models(browser, page)
            page.goto(f"{sqlite_server.uri}/#/experiments/{experiment_id}/runs?{MODEL_TRAINING}")
            check_list(browser, page)
            page.goto(page_of["sweep"])
            check_sweep(browser, page)
            page.goto(page_of["failing"])
            check_failed(browser, page)
            page.goto(page_of["waiting"])
            expect(page.get_by_text("In progress", exact=True)).to_be_visible()
            expect(page.get_by_text("epoch 8 of 16 was done; the rest takes about")).to_be_visible()
            browser.keep_picture("in-progress")
            check_live_chart(browser, page)
            check_system_metrics(browser, page, client, runs["waiting"])
        gate.touch()
        assert launcher.wait_for_end() == 0, launcher.output
    wait_for_no_process(profile)


def check_finished(browser: Browser, page: Page, run_id: str) -> None:
    expect(page.get_by_text("Model registry", exact=True)).to_be_visible()  # not the pages for agents
    page.get_by_text("Show more").click()
    expect(page.get_by_text("Finished at tg-attached after")).to_be_visible()
    (head, *rows) = read_table(page.get_by_role("table").filter(has_text="roc_auc_score_test").first)
    assert (head, [name for name, _ in rows]) == (["metric", "last value"], METRICS)
    assert all(0.95 < float(value) <= 1 for _, value in rows)
    expect(page.get_by_text("Trained on breast_cancer.parquet (569 rows, 31 columns, digest")).to_be_visible()
    expect(page.get_by_text('mlflow.pyfunc.load_model("models:/m-')).to_be_visible()
    expect(page.get_by_text(f"tg-mlflow reproduce {run_id}", exact=True)).to_be_visible()
    browser.keep_picture("finished")
    address = page.get_by_role("link", name="0/roc_curve", exact=True).get_attribute("href")
    page.goto(urljoin(page.url, address))  # in the same tab, where MLflow's pages are loaded already
    wait_for_figure(page, "figures/0/roc_curve.png")
    browser.keep_picture("figure")


def check_models(browser: Browser, page: Page) -> None:
    """On the list of models, sees the metrics of the one that there is, and the data that they are of; opens it."""
    model = page.get_by_role("link", name="model", exact=True)
    expect(model).to_have_count(1)
    expect(page.get_by_role("gridcell", name="breast_cancer.parquet (#")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^0\.9[5-9]\d+$")).first).to_be_visible()
    browser.keep_picture("models")
    model.click()
    expect(page.get_by_text("About this logged model")).to_be_visible()
    expect(page.get_by_text("roc_auc_score_test", exact=True)).to_be_visible()
    browser.keep_picture("model")


def check_list(browser: Browser, page: Page) -> None:
    """On the list of runs, sees each by its name, the one that goes on, too."""
    for name in NAMES.values():
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    browser.keep_picture("list")


def check_sweep(browser: Browser, page: Page) -> None:
    """On the page of a sweep, sees both trainings in its table, and as lines through their parameter and metric."""
    table = page.get_by_role("table").filter(has_text="roc_auc_score_test").filter(has_text="status")
    expect(table).to_be_visible()
    (head, *rows) = read_table(table)
    assert head == ["name", "status", "C", "roc_auc_score_test"]
    assert sorted(row[:3] for row in rows) == [["C0.01", "finished", "0.01"], ["C1.0", "finished", "1.0"]]
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text("sweep", exact=True).click()
    page.get_by_text("parallel_coordinates.png", exact=True).click()
    wait_for_figure(page, "sweep/parallel_coordinates.png")
    browser.keep_picture("parallel-coordinates")


def check_live_chart(browser: Browser, page: Page) -> None:
    """In the tab for its metrics, sees the curve of a training that goes on."""
    page.get_by_role("tab", name="Model metrics").click()
    curve = page.locator(".js-plotly-plot").filter(has=page.locator("path.js-line"))
    expect(curve).to_have_count(1)
    ((seen, _),) = curve.evaluate_all(READ_CURVES)
    assert seen == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6, 1 / 7, 1 / 8]
    browser.keep_picture("live-chart")


def check_system_metrics(browser: Browser, page: Page, client: TrackingClient, run_id: str) -> None:
    """In the tab for system metrics, sees a curve of each, through points that the run has."""
    page.get_by_role("tab", name="System metrics").click()
    curves = page.locator(".js-plotly-plot").filter(has=page.locator("path.js-line"))
    expect(curves).to_have_count(len(SYSTEM_METRICS))
    for name in SYSTEM_METRICS:
        expect(page.get_by_text(f"{NAMES['waiting']} (system/{name})", exact=True)).to_be_visible()
    browser.keep_picture("system-metrics")
    for name, (seen, drawn) in zip(SYSTEM_METRICS, curves.evaluate_all(READ_CURVES), strict=True):
        assert len(seen) >= 2
        assert set(seen) <= {each.value for each in client.get_metric_history(run_id, f"system/{name}")}
        assert re.fullmatch(r"M[\d.-]+,[\d.-]+([LHV][\d.,-]+)+", drawn)


def check_failed(browser: Browser, page: Page) -> None:
    page.get_by_text("Show more").click()
    expect(page.get_by_text("Failed at tg-attached after")).to_be_visible()
    trace = page.locator("pre").filter(has_text="KeyError")
    assert [line.strip() for line in trace.inner_text().splitlines()][1::2] == [
        'look_up({"a": 1})',
        'return values["b"]',
    ]
    browser.keep_picture("failed")
