"""What a training of one's own leaves is in its run: the example of docs/tasks.md, and one that fails."""

import re
import textwrap
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.utils.file_utils import local_file_uri_to_path

from tests.launcher import Launcher
from tests.support import ROOT, ProjectFolder, all_runs
from tg.common import TaskDefinitionError
from tg.common.ml.training_core.artifact_folder import check_artifact_name

MLPROJECT = """
    name: points
    entry_points: {main: {command: "tg-mlflow train tasks:build_task"}}
"""
FAILING = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Failing(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            with open("large.bin", "wb") as file:
                file.write(bytes(100_000))
            environment.log_file("large.bin", "deep/large.bin")
            environment.log_table({"a": [1, 2]}, "a.parquet")
            (environment.output_folder / "notes.txt").write_text("half")
            environment.log_file("large.bin", "result/large.bin")


    def build_task():
        return Failing()
"""


@pytest.fixture
def leaving(project: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    """The example, started from a folder of the test's own, where it writes a file if it is attached."""
    page = (ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
    (code,) = (block for block in re.findall(r"```python .*\n((?s:.*?))```", page) if "log_figure" in block)
    project.write("tasks.py", code)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")
    monkeypatch.chdir(tmp_path)
    return project


def train(project: ProjectFolder, store: MlflowClient, folder: Path, place: str, code: int) -> Run:
    with Launcher(project, place, folder) as launcher:
        assert launcher.wait_for_end() == code, launcher.output
    (run,) = all_runs(store)
    return run


def read_artifacts(run: Run) -> dict[str, bytes]:
    top = Path(local_file_uri_to_path(run.info.artifact_uri))
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def is_taken(name: str) -> bool:
    """Whether a task cannot give an artifact this name, since the run has one of its own."""
    try:
        check_artifact_name(name)
    except TaskDefinitionError:
        return True
    return False


@pytest.mark.parametrize("place", ["attached", "process"])
def test_the_example_leaves_what_it_says(
    leaving: ProjectFolder, store: MlflowClient, tmp_path: Path, place: str
) -> None:
    run = train(leaving, store, tmp_path, place, 0)
    artifacts = read_artifacts(run)
    assert artifacts["output/notes.txt"] == b"fine"
    left = {name: content for name, content in artifacts.items() if not is_taken(name)}
    assert left.pop("plots/loss.png").startswith(b"\x89PNG")
    assert left == {
        "losses.json": b'{"columns":["epoch","loss"],"data":[[0,1.0],[1,0.5],[2,0.25]]}',
        "vocabulary.txt": b"a b c",
    }
    losses = store.load_table(run.info.experiment_id, "losses.json", [run.info.run_id])
    assert losses["loss"].tolist() == [1.0, 0.5, 0.25]
    assert not {"tg.missing", "tg.mlflow_notes"} & set(run.data.tags)


def test_a_training_that_fails_keeps_what_it_has_left(
    leaving: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    leaving.write("tasks.py", textwrap.dedent(FAILING))
    run = train(leaving, store, tmp_path, "process", 1)
    assert run.data.tags["tg.failure_reason"].endswith(
        "the artifact's name is 'result/large.bin', but the run has its own 'result'; give one such as 'plots/roc.png'"
    )
    artifacts = read_artifacts(run)
    assert {name for name in artifacts if not is_taken(name)} == {"a.parquet", "deep/large.bin"}
    assert (len(artifacts["deep/large.bin"]), artifacts["output/notes.txt"]) == (100_000, b"half")
    assert store.load_table(run.info.experiment_id, "a.parquet", [run.info.run_id])["a"].tolist() == [1, 2]
    assert not {"tg.missing", "tg.mlflow_notes"} & set(run.data.tags)
