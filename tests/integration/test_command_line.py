"""The real commands, in processes of their own, on an sqlite store; what they refuse, in forks of a warm process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests import warm
from tests.support import ROOT, ProjectFolder, all_runs
from tests.warm import WarmPopen

BIN = Path(sys.executable).parent


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **more}


def command(*words: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(BIN / words[0]), *words[1:]], cwd=cwd, env=environment(), capture_output=True, text=True, timeout=120
    )


def warm_command(*words: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return warm.run([str(BIN / words[0]), *words[1:]], cwd=cwd, env=environment(), timeout=120)


def test_mlflow_run_trains_and_says_where_to_look(project: ProjectFolder, store: MlflowClient) -> None:
    result = command(
        "mlflow", "run", str(project.path), "--backend", "tg-attached", "-P", "C=0.5", "--run-name", "half"
    )
    assert result.returncode == 0, result.stderr
    (run,) = all_runs(store)
    assert (run.info.status, run.info.run_name, run.data.params["C"]) == ("FINISHED", "half", "0.5")
    assert f"Run half ({run.info.run_id}) FINISHED" in result.stderr
    assert f"runs/{run.info.run_id}" in result.stderr
    assert f"###METRIC###roc_auc_score_test:{run.data.metrics['roc_auc_score_test']!r}###\n" in result.stdout


def test_mlflow_run_exits_with_1_and_one_line_for_bad_data(project: ProjectFolder, store: MlflowClient) -> None:
    result = warm_command(
        "mlflow", "run", str(project.path), "-b", "tg-attached", "-c", '{"dataset": "no.parquet"}', "--run-name", "bad"
    )
    (run,) = all_runs(store)
    assert result.returncode == 1
    assert (run.info.status, run.info.run_name) == ("FAILED", "bad")
    assert result.stderr.count("dataset 'no.parquet' is not in") == 1
    assert "Traceback" not in result.stderr


def test_mlflow_run_shows_the_traceback_of_the_projects_own_error(project: ProjectFolder, store: MlflowClient) -> None:
    project.write("tasks.py", "def build_task(max_iter, C):\n    return {}['nothing']")
    result = warm_command("mlflow", "run", str(project.path), "-b", "tg-attached")
    (run,) = all_runs(store)
    assert (result.returncode, run.info.status) == (1, "FAILED")
    assert 'tasks.py", line 2, in build_task' in result.stderr
    assert f"=== Run {run.info.run_id} FAILED: KeyError: 'nothing' ===" in result.stderr


def test_mlflow_run_without_anything_to_start_makes_no_run(project: ProjectFolder, store: MlflowClient) -> None:
    result = warm_command("mlflow", "run", str(project.path), "-b", "tg-attached", "-P", "D=1")
    assert result.returncode == 1
    assert "parameter 'D' is unknown to entry point 'main'" in result.stderr
    assert "Traceback" not in result.stderr
    assert all_runs(store) == []


@pytest.mark.parametrize(
    ("place", "number", "start"),
    [
        ("attached", signal.SIGINT, WarmPopen),
        ("attached", signal.SIGTERM, WarmPopen),
        ("process", signal.SIGINT, subprocess.Popen),
        ("process", signal.SIGTERM, WarmPopen),
    ],
)
def test_an_interrupted_launcher_leaves_a_killed_run_and_nothing_running(
    project: ProjectFolder,
    store: MlflowClient,
    tmp_path: Path,
    place: str,
    number: signal.Signals,
    start: "type[subprocess.Popen[str]]",
) -> None:
    project.write(
        "tasks.py",
        """
        import os
        import time

        from tg.common.ml.training_core import AbstractTrainingTask


        class Endless(AbstractTrainingTask):
            def run_with_environment(self, data, environment):
                environment.log(f"it has begun in {os.getpid()}")
                time.sleep(600)


        def build_task(max_iter, C):
            return Endless()
        """,
    )
    process = start(
        [str(BIN / "mlflow"), "run", str(project.path), "-b", f"tg-{place}"],
        env=environment(PYTHONUNBUFFERED="1", TG_JOBS_PATH=str(tmp_path / "jobs")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    begun = next(line for line in process.stdout if "it has begun" in line)
    trainer = int(begun.rpartition(" ")[2])
    (run,) = all_runs(store)
    assert run.info.status == "RUNNING"
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1, stderr
    assert store.get_run(run.info.run_id).info.status == "KILLED"
    assert not Path(f"/proc/{trainer}").exists()
    assert list((tmp_path / "jobs").iterdir()) == []


def test_the_project_runs_under_mlflows_own_backend_too(project: ProjectFolder, store: MlflowClient) -> None:
    # A warm process starts a real command, which trains.
    result = warm_command("mlflow", "run", str(project.path), "--env-manager", "local", "-P", "C=0.5")
    assert result.returncode == 0, result.stderr
    (run,) = all_runs(store)
    assert (run.info.status, run.data.params) == ("FINISHED", {"C": "0.5", "max_iter": "100"})
    assert set(run.data.metrics) == {"roc_auc_score_test", "roc_auc_score_train"}
    assert run.data.tags["mlflow.project.backend"] == "local"


def test_the_command_by_itself_makes_a_run(project: ProjectFolder, store: MlflowClient) -> None:
    result = warm_command("tg-mlflow", "train", "tasks:build_task", "C=0.5", "--run-name", "alone", cwd=project.path)
    assert result.returncode == 0, result.stderr
    (run,) = all_runs(store)
    assert (run.info.status, run.info.run_name, run.data.params) == ("FINISHED", "alone", {"C": "0.5"})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tasks:build_task", "C"], "'C' is not of the form name=value"),
        (["tasks:build_task", "--config", "{"], "--backend-config '{' is neither a JSON file nor JSON text"),
        (["tasks:build_tsk"], "factory 'build_tsk' is not in module 'tasks'; did you mean 'build_task'?"),
    ],
)
def test_the_command_refuses_bad_input_with_one_line(
    project: ProjectFolder, store: MlflowClient, words: list[str], message: str
) -> None:
    result = warm_command("tg-mlflow", "train", *words, cwd=project.path)
    assert result.returncode == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert {run.info.status for run in all_runs(store)} <= {"FAILED"}


def test_help_tells_what_the_command_takes() -> None:
    result = command("tg-mlflow", "train", "--help")
    assert result.returncode == 0
    assert "Example: tg-mlflow train tasks:build_task max_iter=1000 C=0.5" in result.stdout


@pytest.mark.parametrize("place", ["attached", "process"])
def test_the_walkthrough_gives_the_source_documents_values(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = ROOT.parent / "shared" / "acceptance" / "walkthrough.py"
    if not script.is_file():
        pytest.skip("the source document's walkthrough is not beside this checkout")
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path))
    result = command("python", str(script), place)
    assert f"walkthrough ({place}): all values as in the source document" in result.stdout, result.stderr
