"""A training that has failed leaves in its run what it takes to explain it."""

import hashlib
import tarfile
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from tests.launcher import Launcher
from tests.support import ProjectFolder, all_runs

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Failing(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            raise ValueError("no such luck")


    def build_task(fails: bool = False):
        if fails:
            raise LookupError("not in the factory either")
        return Failing()
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {fails: {default: false}}
        command: "tg-mlflow train tasks:build_task fails={fails}"
"""


@pytest.fixture
def failing(project: ProjectFolder) -> ProjectFolder:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", '{"dataset": "points.parquet"}')
    folder = project.path / "datasets" / "points"
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"x": [1, 2]}).to_parquet(folder / "points.parquet")
    return project


@pytest.mark.parametrize("place", ["attached", "process"])
def test_its_code_and_its_dataset_are_there(
    failing: ProjectFolder, store: MlflowClient, tmp_path: Path, place: str
) -> None:
    with Launcher(failing, place, tmp_path) as launcher:
        assert launcher.wait_for_end() == 1, launcher.output
    (run,) = all_runs(store)
    assert (run.info.status, "tg.missing" in run.data.tags) == ("FAILED", False)
    (package,) = store.list_artifacts(run.info.run_id, "package")
    path = Path(store.download_artifacts(run.info.run_id, package.path, str(tmp_path)))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == run.data.tags["tg.package_sha256"]
    with tarfile.open(path) as archive:
        (module,) = (name for name in archive.getnames() if name.endswith("/tasks.py"))
        code = archive.extractfile(module)
        assert code is not None
        assert b"no such luck" in code.read()
    assert [each.dataset.name for each in run.inputs.dataset_inputs] == ["points.parquet"]
    log = Path(store.download_artifacts(run.info.run_id, "logs/train.log", str(tmp_path))).read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" in log
    assert log.count("ValueError: no such luck") in (1, 2)
    assert list((tmp_path / "jobs").iterdir()) == []
    assert list((tmp_path / "temporary").iterdir()) == []


def test_the_traceback_of_a_factory_is_in_the_log(failing: ProjectFolder, store: MlflowClient, tmp_path: Path) -> None:
    with Launcher(failing, "process", tmp_path, "-P", "fails=true") as launcher:
        assert launcher.wait_for_end() == 1, launcher.output
    (run,) = all_runs(store)
    log = Path(store.download_artifacts(run.info.run_id, "logs/train.log", str(tmp_path))).read_text(encoding="utf-8")
    assert log.startswith("Traceback (most recent call last)")
    assert log.endswith("LookupError: not in the factory either\n")
