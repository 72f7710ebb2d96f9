"""Studies of Optuna whose trials are trained in child processes, or in this one."""

import os
import signal
import subprocess
import sys
import textwrap
import time
import types
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from tests.launcher import END_SECONDS, processes_that_name
from tests.launcher import tg_mlflow as command
from tests.support import ProjectFolder, all_runs
from tests.warm import WarmPopen
from tg.common import TgError
from tg_mlflow import TgObjective
from tg_mlflow.errors import SweepError

TASKS = """
    import os
    import time
    from pathlib import Path

    from tg.common.ml.training_core import AbstractTrainingTask


    class Swept(AbstractTrainingTask):
        def __init__(self, rate=1.0, count=1, kind="plain"):
            super().__init__()
            self.rate, self.count, self.kind = rate, count, kind

        def run_with_environment(self, data, environment):
            for step in range(5):
                environment.output_metric("loss", self.rate * self.count / (step + 1), step)
                if self.kind == "endless" and step == 3:
                    while not Path(os.environ["GATE"]).exists():
                        time.sleep(0.02)
            if self.kind == "broken":
                raise ValueError("it is broken")
            environment.output_metric("f1@5", 1 - self.rate)
"""


@pytest.fixture
def tasks(tmp_path: Path, store: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    folder = ProjectFolder(tmp_path / "library")
    folder.write("studied_tasks.py", TASKS)
    monkeypatch.syspath_prepend(str(folder.path))
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    monkeypatch.setenv("GATE", str(tmp_path / "gate"))
    import studied_tasks  # type: ignore[import-not-found]

    yield studied_tasks
    sys.modules.pop("studied_tasks", None)


def children_of(store: MlflowClient, run_id: str) -> dict[str, Run]:
    runs = [run for run in all_runs(store) if run.data.tags.get("mlflow.parentRunId") == run_id]
    return {run.info.run_name: run for run in runs}


def test_trials_are_runs_of_one_package(tasks: types.ModuleType, store: MlflowClient, tmp_path: Path) -> None:
    grid = {"rate": [0.25, 2.0], "count": [1, 3]}
    study = optuna.create_study(sampler=optuna.samplers.GridSampler(grid, seed=0), pruner=optuna.pruners.NopPruner())
    space = {"rate": FloatDistribution(0.1, 10, log=True), "count": IntDistribution(1, 5)}
    config = {"register": {"name": "points"}}
    with TgObjective(tasks.Swept(), space, "loss", config=config, run_name="the study") as objective:
        study.optimize(objective, n_trials=4, n_jobs=2)
    assert sorted(trial.value or 0 for trial in study.trials) == [0.05, 0.15, 0.4, 1.2]
    assert study.best_params == {"rate": 0.25, "count": 1}
    runs = children_of(store, objective.run_id)
    assert set(runs) == {"trial-0", "trial-1", "trial-2", "trial-3"}
    for trial in study.trials:
        run = runs[f"trial-{trial.number}"]
        assert trial.user_attrs["run_id"] == run.info.run_id
        assert run.info.status == "FINISHED"
        assert run.data.params == {"rate": str(trial.params["rate"]), "count": str(trial.params["count"])}
        # What a study prunes by.
        assert trial.intermediate_values == {
            step: trial.params["rate"] * trial.params["count"] / (step + 1) for step in range(5)
        }
        paths = {each.path for each in store.list_artifacts(run.info.run_id)}
        assert paths >= {"logs", "package", "result", "task.json"}
    assert len({run.data.tags["tg.package_sha256"] for run in runs.values()}) == 1
    parent = store.get_run(objective.run_id)
    assert (parent.info.status, parent.info.run_name) == ("FINISHED", "the study")
    assert parent.data.tags["tg.best_name"] == f"trial-{study.best_trial.number}"
    assert parent.data.metrics["loss"] == 0.05
    assert parent.data.tags["tg.registered"] == "not registered: the run has no model"
    assert "its loss of 0.05 is the min" in parent.data.tags["mlflow.note.content"]
    assert list((tmp_path / "jobs").iterdir()) == []
    assert f"run '{objective.run_id}' is a study" in command(tmp_path, "attach", objective.run_id).stderr


def test_a_trial_that_is_pruned_is_stopped_while_it_is_trained(
    tasks: types.ModuleType, store: MlflowClient, tmp_path: Path
) -> None:
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=5, n_warmup_steps=3))
    study.enqueue_trial({"rate": 30.0})
    study.enqueue_trial({"rate": 1.0})
    # Without an end, until the first trial has been pruned.
    with TgObjective(tasks.Swept(kind="endless"), {"rate": FloatDistribution(0.1, 100)}, "loss") as objective:
        study.optimize(objective, n_trials=2, callbacks=[lambda *_: (tmp_path / "gate").touch()])
    pruned, complete = study.trials
    assert (pruned.state.name, pruned.value, pruned.last_step) == ("PRUNED", 7.5, 3)
    assert (complete.state.name, complete.value, complete.last_step) == ("COMPLETE", 0.2, 4)
    runs = children_of(store, objective.run_id)
    assert (runs["trial-0"].info.status, runs["trial-1"].info.status) == ("KILLED", "FINISHED")
    assert runs["trial-0"].data.tags["tg.pruned_at_step"] == "3"
    assert processes_that_name(tmp_path / "jobs") == []
    parent = store.get_run(objective.run_id)
    assert (parent.info.status, parent.data.metrics["tg.sweep_pruned"], parent.data.metrics["tg.sweep_killed"]) == (
        "FINISHED",
        1,
        0,
    )
    assert "pruned: at step 3" in parent.data.tags["mlflow.note.content"]
    assert "trainings: 1 FINISHED, 1 PRUNED" in command(tmp_path, "list").stdout


def test_a_failed_trial_does_not_end_a_study_that_catches_it(tasks: types.ModuleType, store: MlflowClient) -> None:
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.GridSampler({"kind": ["broken", "plain"]}, seed=0)
    )
    space = {"kind": CategoricalDistribution(["broken", "plain"])}
    with TgObjective(tasks.Swept(rate=0.25), space, "f1@5", "tg-attached") as objective:
        study.optimize(objective, n_trials=2, catch=(SweepError,))
    assert sorted(trial.state.name for trial in study.trials) == ["COMPLETE", "FAIL"]
    assert study.best_value == 0.75  # MLflow calls it f1_5
    parent = store.get_run(objective.run_id)
    assert (parent.info.status, parent.data.metrics["tg.sweep_failed"]) == ("FINISHED", 1)
    statuses = sorted(run.info.status for run in children_of(store, objective.run_id).values())
    assert statuses == ["FAILED", "FINISHED"]


def test_a_failed_trial_that_nobody_catches_fails_the_run(tasks: types.ModuleType, store: MlflowClient) -> None:
    study = optuna.create_study()
    objective = TgObjective(tasks.Swept(kind="broken"), lambda trial: {"count": trial.suggest_int("n", 1, 1)}, "loss")
    with pytest.raises(SweepError, match=r"^trial-0 FAILED: .*ValueError: it is broken"), objective:
        study.optimize(objective, n_trials=1)
    parent = store.get_run(objective.run_id)
    assert parent.info.status == "FAILED"
    assert "it is broken" in parent.data.tags["tg.failure_reason"]
    (run,) = children_of(store, objective.run_id).values()
    assert run.data.params == {"count": "1"}


def test_several_metrics_and_a_name_that_is_none(tasks: types.ModuleType, store: MlflowClient) -> None:
    study = optuna.create_study(directions=["minimize", "maximize"])
    with TgObjective(tasks.Swept(rate=0.5), {"count": IntDistribution(2, 2)}, ["loss", "f1@5"]) as objective:
        study.optimize(objective, n_trials=1)
    assert study.trials[0].values == [0.2, 0.5]
    with (
        pytest.raises(SweepError, match=r"trial-0: no finished training .* 'los'; did you mean 'loss'\?"),
        TgObjective(tasks.Swept(), {"count": IntDistribution(2, 2)}, "los", "tg-attached") as objective,
    ):
        optuna.create_study().optimize(objective, n_trials=1)


def test_it_has_to_be_open(tasks: types.ModuleType, store: MlflowClient) -> None:
    with pytest.raises(TgError, match=r"the objective is not open; use it in `with TgObjective"):
        optuna.create_study().optimize(TgObjective(tasks.Swept(), {}, "loss"), n_trials=1)
    assert all_runs(store) == []
    with TgObjective(tasks.Swept(), {}, "loss", "tg-attached") as objective:
        pass
    with pytest.raises(TgError, match=r"the objective is not open; use it in `with TgObjective"):
        optuna.create_study().optimize(objective, n_trials=1)
    assert [run.info.status for run in all_runs(store)] == ["FINISHED"]


def test_a_trial_in_this_process_is_not_pruned(tasks: types.ModuleType, store: MlflowClient) -> None:
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=0))
    with TgObjective(tasks.Swept(), {"count": IntDistribution(2, 2)}, "loss", "tg-attached") as objective:
        study.optimize(objective, n_trials=1)
    (trial,) = study.trials
    assert (trial.state.name, trial.value, trial.last_step) == ("COMPLETE", 0.4, None)


SCRIPT = """
    import optuna
    import studied_tasks

    from tg_mlflow import TgObjective

    study = optuna.create_study(pruner=optuna.pruners.NopPruner())
    space = {"rate": optuna.distributions.FloatDistribution(0.1, 1)}
    with TgObjective(studied_tasks.Swept(kind="endless"), space, "loss") as objective:
        study.optimize(objective, n_trials=10, n_jobs=JOBS)
"""


class Pressed:
    """Presses Ctrl-C when it is packaged."""

    def __getstate__(self) -> dict[str, object]:
        os.kill(os.getpid(), signal.SIGINT)
        return {}


def test_ctrl_c_before_the_first_trial(tasks: types.ModuleType, store: MlflowClient) -> None:
    task = tasks.Swept()
    task.pressed = Pressed()
    with pytest.raises(KeyboardInterrupt), TgObjective(task, {"rate": FloatDistribution(0, 1)}, "loss"):
        raise AssertionError("it is open")
    (run,) = all_runs(store)
    assert run.info.status == "KILLED"


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_stops_all(tasks: types.ModuleType, store: MlflowClient, tmp_path: Path, jobs: int) -> None:
    script = tmp_path / "library" / "study.py"
    script.write_text(textwrap.dedent(SCRIPT).replace("JOBS", str(jobs)), encoding="utf-8")
    process = WarmPopen([str(script)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + END_SECONDS
    while sum("loss" in run.data.metrics for run in all_runs(store)) < jobs:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=END_SECONDS)
    assert process.returncode != 0, output
    assert "KeyboardInterrupt" in output
    assert [run.info.status for run in all_runs(store)] == ["KILLED"] * (1 + jobs)
    assert processes_that_name(tmp_path / "jobs") == []
