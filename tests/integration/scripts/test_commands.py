"""Commands of every shape, run by MLflow's own functions in this process; their jobs are child processes."""

import re
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import ExecutionException

from tests.integration.scripts.places import ScriptProject, the_training, train

# What the job says itself.
OURS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


@pytest.fixture
def project(tmp_path: Path, jobs: Path) -> ScriptProject:
    return ScriptProject(tmp_path / "project", "commands")


def read_output(store: MlflowClient, run: Run, folder: Path) -> list[str]:
    log = Path(store.download_artifacts(run.info.run_id, "logs/train.log", str(folder))).read_text()
    return [line for line in log.splitlines() if line and not OURS.match(line)]


def run(project: ScriptProject, entry_point: str, place: str, **parameters: Any) -> None:
    config = {"env_manager": "local"} if place == "process" else {}
    mlflow.projects.run(
        str(project.path), entry_point, parameters=parameters, backend=f"tg-{place}", backend_config=config
    )


@pytest.mark.parametrize(
    ("entry_point", "parameters", "output"),
    [
        ("main", {"name": "a b;c"}, ["hello a b;c"]),
        ("main", {"more": "x"}, ["hello world --more x"]),
        ("program", {"name": "$HOME"}, ["hello $HOME from project", "note.txt"]),
        ("awk", {}, ["sum 19"]),
        ("lines", {"name": "it's"}, ["first it's", "folder"]),
        ("pipe", {}, ["10,b", "sorted world"]),
        ("click", {}, ["HELLO HELLO "]),
        ("address", {"data": "https://example.com/a?b=c&d"}, ["https://example.com/a?b=c&d"]),
        ("unfinished", {}, ["no end"]),
        ("hello.py", {"name": "file"}, ["hello --name file"]),
    ],
)
def test_a_command_says_what_it_says_in_a_terminal(
    project: ScriptProject,
    store: MlflowClient,
    tmp_path: Path,
    entry_point: str,
    parameters: dict[str, str],
    output: list[str],
) -> None:
    run(project, entry_point, "process", **parameters)
    training = the_training(store)
    assert read_output(store, training, tmp_path)[-len(output) :] == output  # before it, the command may be shown
    assert training.data.params.items() >= parameters.items()
    assert (training.info.status, training.data.tags["mlflow.project.entryPoint"]) == ("FINISHED", entry_point)


def test_files_that_parameters_name_travel(project: ScriptProject, store: MlflowClient, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "o.txt").write_text("o")
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    other = store.create_run(experiment.experiment_id)
    store.set_tag(other.info.run_id, "mlflow.parentRunId", "none")  # so that it is not a training
    store.log_text(other.info.run_id, "logged", "logged.txt")
    expected = {
        str(project.path / "folder"): "note.txt ['a', 'file', 'of', 'the', 'project']",
        str(tmp_path / "outside"): "o.txt ['o']",
        (tmp_path / "outside" / "o.txt").as_uri(): "o.txt ['o']",
        f"runs:/{other.info.run_id}/logged.txt": "logged.txt ['logged']",
    }
    for data, line in expected.items():
        run(project, "read", "process", data=data)
        training = the_training(store)
        assert read_output(store, training, tmp_path) == [line]
        assert training.data.params == {"data": data}
        store.delete_run(training.info.run_id)


@pytest.mark.parametrize("place", ["attached", "process"])
@pytest.mark.parametrize(
    ("entry_point", "reason"),
    [
        ("failing", "the command (sh) ended with exit code 3; its output says why"),
        ("killed", "the command (sh): it was killed by SIGKILL"),
    ],
)
def test_a_failing_command_fails_its_run(
    project: ScriptProject, store: MlflowClient, tmp_path: Path, place: str, entry_point: str, reason: str
) -> None:
    with pytest.raises(ExecutionException, match=re.escape(reason)):
        run(project, entry_point, place)
    training = the_training(store)
    assert training.info.status == "FAILED"
    assert reason in training.data.tags["tg.failure_reason"]
    assert read_output(store, training, tmp_path)[0] == "before"


def test_a_parameter_without_a_value_is_named(project: ScriptProject, store: MlflowClient) -> None:
    with pytest.raises(ExecutionException, match="name"):
        run(project, "program", "process")
    assert store.search_runs([each.experiment_id for each in store.search_experiments()]) == []


def test_a_pipe_in_a_container(
    project: ScriptProject, store: MlflowClient, tmp_path: Path, image: dict[str, Any]
) -> None:
    train(project, "local", tmp_path, "-e", "pipe", network="none", **image)
    assert read_output(store, the_training(store), tmp_path) == ["10,b", "sorted world"]
