"""Tasks that are trained from Python, as in a notebook, without a project."""

import signal
import subprocess
import sys
import threading
import time
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from pydantic import SecretStr

import tg_mlflow
from tests.launcher import END_SECONDS, processes_that_name
from tests.launcher import tg_mlflow as command
from tests.support import ProjectFolder, all_runs
from tests.warm import WarmPopen
from tg.common import TgError
from tg.common.delivery.sagemaker import Autonamer

TASKS = """
    import os
    import time
    from pathlib import Path

    import swept_helper

    from tg.common.ml.training_core import AbstractTrainingTask


    class Swept(AbstractTrainingTask):
        def __init__(self, learning_rate=1.0, network_size=(1,), suffix=""):
            super().__init__()
            self.learning_rate, self.network_size, self.suffix = learning_rate, network_size, suffix

        def run_with_environment(self, data, environment):
            environment.log("training")
            if self.learning_rate == 13:
                raise ValueError("13 is unlucky")
            environment.output_metric("loss", swept_helper.double(self.learning_rate) * sum(self.network_size))
            while self.learning_rate == 99 and not Path(os.environ["GATE"]).exists():
                time.sleep(0.02)
"""


@pytest.fixture
def tasks(tmp_path: Path, store: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """A module with tasks, and one that it needs, somewhere on the path; the current folder is the test's own."""
    folder = ProjectFolder(tmp_path / "library")
    folder.write("swept_tasks.py", TASKS)
    folder.write("swept_helper.py", "def double(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(str(folder.path))
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    monkeypatch.setenv("GATE", str(tmp_path / "gate"))
    import swept_tasks  # type: ignore[import-not-found]

    yield swept_tasks
    for name in ("swept_tasks", "swept_helper"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("backend", ["tg-process", "tg-attached"])
def test_a_table_of_results_comes_back(tasks: types.ModuleType, store: MlflowClient, backend: str) -> None:
    built = Autonamer(tasks.Swept, common_arguments={"suffix": "a"}).build_tasks(
        learning_rate=[0.1, 1], network_size=[[10], [10, 5]]
    )
    table = tg_mlflow.run_tasks(built, backend, {"primary_metric": "loss", "mode": "min"}, run_name="grid")
    assert list(table.columns) == [
        "name",
        "status",
        "seconds",
        "run_id",
        "params.suffix",
        "params.learning_rate",
        "params.network_size",
        "metrics.loss",
    ]
    assert table["name"].tolist() == ["LR0.1-NS10", "LR0.1-NS10-5", "LR1-NS10", "LR1-NS10-5"]
    assert table["status"].tolist() == ["FINISHED"] * 4
    assert table["metrics.loss"].tolist() == [2.0, 3.0, 20.0, 30.0]
    assert table["params.network_size"].tolist() == [[10], [10, 5], [10], [10, 5]]
    parent = store.get_run(table.attrs["run_id"])
    assert (parent.info.run_name, parent.info.status, parent.data.tags["tg.best_name"]) == (
        "grid",
        "FINISHED",
        "LR0.1-NS10",
    )
    run = store.get_run(table["run_id"][3])
    assert run.info.run_name == "LR1-NS10-5"
    assert run.data.params == {"learning_rate": "1", "network_size": "[10, 5]", "suffix": "a"}
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert {each.path for each in store.list_artifacts(run.info.run_id)} >= {"logs", "package", "result", "task.json"}


def test_a_failure_is_a_row_of_the_table(tasks: types.ModuleType, store: MlflowClient) -> None:
    built = Autonamer(tasks.Swept).build_tasks(learning_rate=[13, 1])
    table = tg_mlflow.run_tasks(built, progress=False)
    assert table["status"].tolist() == ["FAILED", "FINISHED"]
    assert "ValueError: 13 is unlucky" in table["failure"][0]
    assert store.get_run(table.attrs["run_id"]).info.status == "FAILED"


def test_parameters_that_hide_themselves_are_in_no_run(tasks: types.ModuleType, store: MlflowClient) -> None:
    given = [tasks.Swept(suffix=SecretStr("hunter01")), tasks.Swept(suffix=SecretStr("hunter02"))]
    for number, task in enumerate(given):
        task.info["name"] = f"task-{number}"
        task.info["sweep_parameters"] = {"suffix": task.suffix, "learning_rate": 1}
        task.note = f"{task.suffix.get_secret_value()}!"
    table = tg_mlflow.run_tasks(given, backend="tg-attached", progress=False)
    assert list(table["params.suffix"]) == ["***", "***"]
    runs = all_runs(store)
    assert sorted(run.data.params.get("suffix", "") for run in runs) == ["", "***", "***"]
    assert "hunter" not in str([run.to_dictionary() for run in runs])


def test_tasks_without_names_are_numbered(tasks: types.ModuleType, store: MlflowClient) -> None:
    table = tg_mlflow.run_tasks([tasks.Swept(1), tasks.Swept(2)], "tg-attached", progress=False)
    assert table["name"].tolist() == ["task-1", "task-2"]
    assert table["metrics.loss"].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("make", "words", "message"),
    [
        (lambda swept: [], {}, "there are no tasks; give at least one"),
        (lambda swept: [swept(), 7], {}, "task 2 is a int; give an AbstractTrainingTask"),
        (lambda swept: [swept()] * 2, {}, "tasks 1 and 2 are one object; build a task for each training"),
        (
            lambda swept: [swept()],
            {"backend": "tg-proces"},
            r"backend 'tg-proces' is unknown; did you mean 'tg-process'\?",
        ),
        (
            lambda swept: [swept()],
            {"config": {"sweep": {"a": [1]}}},
            "sweep is for projects; build a task for each combination, as with Autonamer",
        ),
        (
            lambda swept: [swept()],
            {"config": {"register": {"name": "points"}}},
            "register is for the best of the tasks; name the primary_metric",
        ),
        (lambda swept: [swept()], {"config": {"detach": True}}, "detach does not go with sweep; leave out one"),
        (lambda swept: [swept()], {"folder": "nowhere"}, "folder '.*nowhere' does not exist; correct the path"),
        (lambda swept: [swept()], {"config": "no.json"}, r"config 'no.json' cannot be read as JSON: \[Errno 2\].*"),
    ],
)
def test_bad_input_makes_no_run(
    tasks: types.ModuleType, store: MlflowClient, make: object, words: dict[str, object], message: str
) -> None:
    assert callable(make)
    with pytest.raises(TgError, match=f"^{message}$"):
        tg_mlflow.run_tasks(make(tasks.Swept), **words)  # type: ignore[arg-type]
    assert all_runs(store) == []


def test_two_tasks_with_one_name_are_refused(tasks: types.ModuleType, store: MlflowClient) -> None:
    built = [tasks.Swept(1), tasks.Swept(2)]
    for task in built:
        task.info["name"] = "same"
    with pytest.raises(TgError, match=r"^two tasks are called 'same'; give each a name of its own in task\.info$"):
        tg_mlflow.run_tasks(built)
    assert all_runs(store) == []


def test_a_task_that_cannot_be_packaged_is_an_error_and_a_failed_run(
    tasks: types.ModuleType, store: MlflowClient
) -> None:
    task = tasks.Swept(1)
    task.lock = threading.Lock()
    with pytest.raises(TgError, match=r"task\.lock is a lock, which cannot be pickled"):
        tg_mlflow.run_tasks([task])
    (run,) = all_runs(store)
    assert run.info.status == "FAILED"


SCRIPT = """
    import swept_tasks

    import tg_mlflow
    from tg.common.delivery.sagemaker import Autonamer

    tg_mlflow.run_tasks(Autonamer(swept_tasks.Swept).build_tasks(learning_rate=[1, 99, 2]), config={"max_parallel": 2})
"""


def start_script(tmp_path: Path) -> WarmPopen:
    script = tmp_path / "library" / "sweep.py"
    script.write_text("\n".join(line.strip() for line in SCRIPT.splitlines()), encoding="utf-8")
    return WarmPopen(
        [str(script)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for_99(store: MlflowClient) -> None:
    deadline = time.monotonic() + END_SECONDS
    while not any(run.info.run_name == "LR99" and "loss" in run.data.metrics for run in all_runs(store)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_ctrl_c_stops_all(tasks: types.ModuleType, store: MlflowClient, tmp_path: Path) -> None:
    process = start_script(tmp_path)
    wait_for_99(store)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=END_SECONDS)
    assert process.returncode != 0
    assert "KILLED: it was interrupted" in output
    statuses = {run.info.run_name: run.info.status for run in all_runs(store)}
    assert (statuses["Swept"], statuses["LR99"]) == ("KILLED", "KILLED")
    assert "RUNNING" not in statuses.values()
    assert processes_that_name(tmp_path / "jobs") == []


def test_a_script_that_has_died_is_resumed_without_it(
    tasks: types.ModuleType, store: MlflowClient, tmp_path: Path
) -> None:
    process = start_script(tmp_path)
    wait_for_99(store)
    process.kill()
    process.communicate()
    (tmp_path / "gate").touch()
    (tmp_path / "library" / "swept_tasks.py").unlink()
    (parent,) = (run for run in all_runs(store) if "mlflow.parentRunId" not in run.data.tags)
    done = command(tmp_path, "attach", parent.info.run_id)
    assert done.returncode == 0, done.stderr
    runs = [run for run in all_runs(store) if run.info.run_id != parent.info.run_id]
    finished = sorted((run.info.run_name, run.data.metrics["loss"]) for run in runs if run.info.status == "FINISHED")
    assert finished == [("LR1", 2), ("LR2", 4), ("LR99", 198)]
    # One that was just being started when the script died has a run that says so.
    assert [run.info.run_name for run in runs if run.info.status != "FINISHED"] in ([], ["LR1"], ["LR2"])
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}
    assert store.get_run(parent.info.run_id).info.status == "FINISHED"
