"""What a user sees of a sweep in MLflow's own pages."""

import json
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient
from playwright.sync_api import Page, expect

from tests.browser import Browser, read_table, require_chromium
from tests.launcher import Launcher, processes_that_name
from tests.support import ProjectFolder
from tests.tracking_server import TrackingServer

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def __init__(self, loss):
            super().__init__()
            self.loss = loss

        def run_with_environment(self, data, environment):
            environment.output_metric("loss", self.loss, 0)
            environment.output_metric("accuracy", 1 - self.loss / 20, 0)


    def build_task(rate: float, size: list[int], note: str):
        return Task(rate * sum(size))
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {rate: {type: float}, size: {type: string}, note: {default: "a b"}}
        command: "tg-mlflow train tasks:build_task rate={rate} size={size} note={note}"
"""
SWEEP = {"sweep": {"rate": [0.5, 2], "size": [[1], [1, 2], [5]]}, "primary_metric": "loss", "mode": "min"}
SHOWN = [
    ["0.5", "[1]", "0.5"],
    ["0.5", "[1,2]", "1.5"],
    ["0.5", "[5]", "2.5"],
    ["2", "[1]", "2"],
    ["2", "[1,2]", "6"],
    ["2", "[5]", "10"],
]
NAMES = ["R0.5-S1", "R0.5-S1-2", "R0.5-S5", "R2-S1", "R2-S1-2", "R2-S5"]


@pytest.fixture(scope="session")
def chromium() -> str:
    return require_chromium()


def test_a_sweep_can_be_compared_in_the_browser(
    chromium: str, project: ProjectFolder, sqlite_server: TrackingServer, tmp_path: Path
) -> None:
    profile = tmp_path / "profile"
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    with Launcher(project, "process", tmp_path, "--backend-config", json.dumps(SWEEP)) as launcher:
        assert launcher.wait_for_end() == 0, launcher.output
    experiment = MlflowClient(sqlite_server.uri).get_experiment_by_name("served")
    assert experiment is not None
    with Browser(chromium, profile, "sweep") as browser:
        browser.page.goto(f"{sqlite_server.uri}/#/experiments/{experiment.experiment_id}/runs")
        check_compare_view(browser)
        browser.page.go_back()
        browser.page.get_by_role("link", name="points sweep", exact=True).click()
        check_parent(browser)
        check_artifacts(browser)
    wait_for_no_process(profile)


def check_compare_view(browser: Browser) -> None:
    """From the list of runs, compares all below the sweep's, as a user does."""
    page = browser.page

    def expand_or_choose(name: str) -> None:
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))
        if name in NAMES:
            row.get_by_role("checkbox").first.check()
        else:
            row.get_by_role("button").first.click()

    for name in ["points sweep", *NAMES]:
        expand_or_choose(name)
    browser.keep_picture("runs")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("Comparing 6 Runs from 1 Experiment")).to_be_visible()
    expect(page.get_by_text("0.975", exact=True)).to_be_visible()
    expect(page.locator("svg").get_by_text("loss", exact=True).first).to_be_visible()  # the axis of a plot
    seen = browser.read_side_by_side("Run Name:")
    browser.keep_picture("compare")
    assert seen["rate"] == dict(zip(NAMES, ["0.5", "0.5", "0.5", "2", "2", "2"], strict=True))
    # MLflow lays out what is JSON.
    assert seen["size"] == dict(zip(NAMES, ["[ 1 ]", "[ 1, 2 ]", "[ 5 ]"] * 2, strict=True))
    assert seen["note"] == dict.fromkeys(NAMES, "a b")
    assert seen["loss"] == dict(zip(NAMES, ["0.5", "1.5", "2.5", "2", "6", "10"], strict=True))
    assert seen["accuracy"] == dict(zip(NAMES, ["0.975", "0.925", "0.875", "0.9", "0.7", "0.5"], strict=True))


def check_parent(browser: Browser) -> None:
    """On the page of the sweep's run, reads its description, and follows the link to the best training."""
    page = browser.page
    page.get_by_text("Show more").click()  # MLflow shows the first lines of a description
    expect(page.get_by_text("6 trainings over rate (0.5, 2); size ([1], [1, 2], [5]): 6 finished.")).to_be_visible()
    best = page.get_by_role("paragraph").filter(has_text="its loss of 0.5 is the min.")
    table = page.get_by_role("table").filter(has_text="finished").filter(has_text="size")
    assert read_table(table) == [
        ["name", "status", "rate", "size", "loss"],
        ["R0.5-S1", "finished", "0.5", "[1]", "0.5"],
        ["R0.5-S1-2", "finished", "0.5", "[1, 2]", "1.5"],
        ["R2-S1", "finished", "2", "[1]", "2"],
        ["R0.5-S5", "finished", "0.5", "[5]", "2.5"],
        ["R2-S1-2", "finished", "2", "[1, 2]", "6"],
        ["R2-S5", "finished", "2", "[5]", "10"],
    ]
    browser.keep_picture("parent")
    with page.expect_popup() as opened:
        best.get_by_role("link", name="R0.5-S1", exact=True).click()
    expect(opened.value.get_by_role("heading", name="R0.5-S1", exact=True)).to_be_visible()
    opened.value.close()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Compare them", exact=True).click()
    expect(opened.value.get_by_text("Comparing 6 Runs from 1 Experiment")).to_be_visible()
    opened.value.close()


def check_artifacts(browser: Browser) -> None:
    """On the same page, looks at what MLflow makes of the sweep's files."""
    page = browser.page
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text("sweep", exact=True).click()
    page.get_by_text("summary.json", exact=True).click()
    table = page.get_by_role("table")
    expect(table.get_by_role("row")).to_have_count(7)
    (head, *rows) = read_table(table)
    columns = [head.index(name) for name in ("name", "status", "params/rate", "params/size", "metrics/loss")]
    assert [[row[column] for column in columns] for row in rows] == [
        [name, "FINISHED", *values] for name, values in zip(NAMES, SHOWN, strict=True)
    ]
    browser.keep_picture("summary")
    page.get_by_text("parallel_coordinates.png", exact=True).click()
    wait_for_figure(page, "sweep/parallel_coordinates.png")
    browser.keep_picture("figure")


def wait_for_figure(page: Page, path: str) -> None:
    """Waits until a figure's pixels are there, not only a place for them."""
    figure = page.get_by_alt_text(path)
    expect(figure).to_be_visible()
    expect(figure).to_have_js_property("complete", True)
    assert figure.evaluate("image => image.naturalWidth") >= 400


def wait_for_no_process(profile: Path) -> None:
    """Waits until the last of the browser's processes is gone."""
    deadline = time.monotonic() + 10
    while left := processes_that_name(profile):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
