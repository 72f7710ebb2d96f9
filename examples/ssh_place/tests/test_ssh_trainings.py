"""Whole trainings through MLflow and tg-mlflow: they know no more of the place than its entry points."""

import json
import shutil
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from examples.ssh_place.tests.sshd import Sshd
from tests import warm
from tests.documentation import Reader, stories
from tests.launcher import Launcher, processes_that_name, tg_mlflow
from tests.support import ROOT, ProjectFolder, all_runs
from tg_ssh_place import SshOptions

STEPS = 200

pytestmark = pytest.mark.starts_process

TASKS = f"""
    import signal
    import time

    from tg.common.ml.training_core import AbstractTrainingTask


    class Slow(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            for step in range({STEPS}):
                environment.output_metric("loss", 1 / (step + 1), step)
                time.sleep(0.02)


    class Stubborn(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            environment.output_metric("loss", 1, 0)
            while True:
                signal.pause()


    def build_task(stubborn: bool = False):
        return Stubborn() if stubborn else Slow()
"""

MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {stubborn: {default: false}}
        command: "tg-mlflow train tasks:build_task stubborn={stubborn}"
"""


@pytest.fixture
def keys(options: SshOptions) -> dict[str, object]:
    """What a configuration says of the machine."""
    return {name: value for name, value in asdict(options).items() if value is not None}


@pytest.fixture
def breast_cancer(project: ProjectFolder, keys: dict[str, object]) -> ProjectFolder:
    shutil.rmtree(project.path)
    shutil.copytree(ROOT / "examples" / "breast_cancer", project.path, ignore=shutil.ignore_patterns("datasets"))
    warm.run([str(project.path / "prepare_data.py")], check=True)
    # Other places pass over what is not theirs.
    project.write("tg.json", json.dumps({"dataset": "breast_cancer.parquet", "log": {"check_model": False}, **keys}))
    return project


@pytest.fixture
def slow_project(project: ProjectFolder, keys: dict[str, object]) -> ProjectFolder:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", json.dumps({**keys, "stop_grace_seconds": 1}))
    return project


def train(project: ProjectFolder, place: str, store: MlflowClient, folder: Path) -> Run:
    before = {run.info.run_id for run in all_runs(store)}
    with Launcher(project, place, folder) as launcher:
        assert launcher.wait_for_end() == 0, launcher.output
    (run,) = [run for run in all_runs(store) if run.info.run_id not in before]
    return run


def assert_nothing_is_left(there: Path, folder: Path, options: SshOptions) -> None:
    for each in (there / "jobs", there / "datasets", folder / "jobs"):
        assert list(each.iterdir()) == []
    assert processes_that_name(there) == []
    assert processes_that_name(Path(str(options.config_file))) == []


def list_artifacts(store: MlflowClient, run: Run) -> set[str]:
    return {each.path for each in store.list_artifacts(run.info.run_id)}


def test_a_project_is_trained_as_in_a_child_process(
    breast_cancer: ProjectFolder, store: MlflowClient, tmp_path: Path, there: Path, options: SshOptions
) -> None:
    near, far = (train(breast_cancer, place, store, tmp_path) for place in ("process", "ssh"))
    assert far.info.status == "FINISHED"
    assert far.data.metrics["roc_auc_score_test"] > 0.9
    assert far.data.metrics == near.data.metrics
    assert far.data.params == near.data.params
    assert list_artifacts(store, far) == list_artifacts(store, near)
    assert far.data.tags["mlflow.project.backend"] == "tg-ssh"
    assert json.loads(far.data.tags["tg.state"])["place_options"] == asdict(options)
    assert_nothing_is_left(there, tmp_path, options)


def test_the_page_does_what_it_says(
    session_sshd: Sshd, keys: dict[str, object], store: MlflowClient, tmp_path: Path
) -> None:
    ssh_config = tmp_path / "ssh_config"
    user, _, machine = session_sshd.host.partition("@")
    known = f"Host gpu-box\n  HostName {machine}\n  User {user}\n"
    ssh_config.write_text(known + session_sshd.config_file.read_text())
    (story,) = stories("ssh", [ROOT / "examples" / "ssh_place" / "README.md"])
    quick = {"log": {"figures": False, "model": False, "tables": False}}
    reader = Reader(tmp_path / "story", {**keys, **quick, "config_file": str(ssh_config)})
    reader.read(story)
    (run,) = all_runs(store)
    assert (run.info.status, run.data.tags["tg.place"]) == ("FINISHED", "tg-ssh")
    assert json.loads(run.data.tags["tg.state"])["place_options"]["host"] == "gpu-box"


def test_a_sweep_is_trained(
    breast_cancer: ProjectFolder,
    store: MlflowClient,
    tmp_path: Path,
    there: Path,
    options: SshOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(breast_cancer.path)
    values = {}
    for place in ("tg-process", "tg-ssh"):
        before = {run.info.run_id for run in all_runs(store)}
        done = tg_mlflow(tmp_path, "sweep", "C=0.5,2", "-b", place, "--metric", "roc_auc_score_test")
        assert done.returncode == 0, done.stderr
        runs = [run for run in all_runs(store) if run.info.run_id not in before]
        assert [run.info.status for run in runs] == ["FINISHED"] * 3
        values[place] = {run.info.run_name: run.data.metrics for run in runs if "C" in run.data.params}
    assert set(values["tg-ssh"]) == {"C0.5", "C2"}
    assert values["tg-ssh"] == values["tg-process"]
    assert_nothing_is_left(there, tmp_path, options)


def test_a_run_whose_launcher_was_killed_is_taken_over_on_another_machine(
    slow_project: ProjectFolder, store: MlflowClient, tmp_path: Path, there: Path, options: SshOptions
) -> None:
    with Launcher(slow_project, "ssh", tmp_path) as launcher:
        launcher.wait_for_step(50)
        launcher.kill()
    (run,) = all_runs(store)
    (tmp_path / "elsewhere" / "jobs").mkdir(parents=True)
    status = tg_mlflow(tmp_path / "elsewhere", "status", run.info.run_id)
    assert status.stdout.startswith(f"run {run.info.run_id} RUNNING\njob {run.data.tags['tg.job_id']} ")
    done = tg_mlflow(tmp_path / "elsewhere", "attach", run.info.run_id)
    assert done.returncode == 0, done.stderr
    assert store.get_run(run.info.run_id).info.status == "FINISHED"
    points = store.get_metric_history(run.info.run_id, "loss")
    assert [(point.step, point.value) for point in points] == [(step, 1 / (step + 1)) for step in range(STEPS)]
    assert {"logs", "package", "result", "task.json"} <= list_artifacts(store, run)
    assert_nothing_is_left(there, tmp_path / "elsewhere", options)


def test_a_job_that_does_not_stop_is_killed_when_its_time_is_over(
    slow_project: ProjectFolder, store: MlflowClient, tmp_path: Path, there: Path, options: SshOptions
) -> None:
    with Launcher(slow_project, "ssh", tmp_path, "-P", "stubborn=true") as launcher:
        launcher.wait_for_step(0)
        launcher.kill()
    (run,) = all_runs(store)
    assert "###METRIC###loss:1.0###" in tg_mlflow(tmp_path, "logs", run.info.run_id).stdout
    started = time.monotonic()
    done = tg_mlflow(tmp_path, "cancel", run.info.run_id)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 60  # and not the 120 seconds that are usual
    assert store.get_run(run.info.run_id).info.status == "KILLED"
    assert_nothing_is_left(there, tmp_path, options)


def test_a_machine_that_is_not_named_is_asked_for(
    slow_project: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    slow_project.write("tg.json", "{}")
    with Launcher(slow_project, "ssh", tmp_path) as launcher:
        assert launcher.wait_for_end() == 1
    assert "tg-ssh needs to know the machine: give host, such as user@host" in launcher.output
    assert all_runs(store) == []


def test_a_machine_that_lets_nobody_in_has_no_job(
    slow_project: ProjectFolder,
    store: MlflowClient,
    tmp_path: Path,
    session_sshd: Sshd,
    keys: dict[str, object],
) -> None:
    slow_project.write("tg.json", json.dumps({**keys, "identity_file": str(session_sshd.stranger_key)}))
    with Launcher(slow_project, "ssh", tmp_path) as launcher:
        assert launcher.wait_for_end() == 1
    assert f"ssh cannot log in on {session_sshd.host}: " in launcher.output
    assert "may go on" not in launcher.output
    assert "Traceback" not in launcher.output
    (run,) = all_runs(store)
    assert run.info.status == "FAILED"


def test_no_line_of_the_core_knows_the_place() -> None:
    files = [file for tree in ("src", "mlflow_plugins") for file in (ROOT / tree).rglob("*.py")]
    assert len(files) > 200
    assert [file for file in files if "tg-ssh" in (text := file.read_text()) or "ssh_place" in text] == []
