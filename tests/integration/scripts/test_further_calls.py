"""MLflow's calls in tasks, and steps that a script starts by ``mlflow.run``."""

from pathlib import Path

from mlflow import MlflowClient

from tests.integration.scripts.places import ScriptProject, the_training, train
from tests.integration.scripts.recorded import compare, read_training
from tests.support import all_runs

TASKS = """
    import mlflow

    from tg.common.ml.training_core import AbstractTrainingTask


    class Calling(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            mlflow.log_param("depth", 3)
            for step in range(3):
                mlflow.log_metric("loss", 1 / (step + 1), step=step)
                environment.output_metric("printed", step, step)
            mlflow.log_text("some text", "texts/some.txt")
            with mlflow.start_run(run_name="below", nested=True):
                mlflow.log_metric("loss", 0.25, step=7)
            environment.store_artifact([], "weights", [1, 2])


    def build_task():
        return Calling()
"""
MLPROJECT = """
    name: tg_scripts_task
    entry_points: {main: {command: "tg-mlflow train tasks:build_task"}}
"""


def test_a_task_that_calls_mlflow_leaves_the_same_in_a_child_process(store: MlflowClient, tmp_path: Path) -> None:
    project = ScriptProject(tmp_path / "project")
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    found = []
    for place in ("attached", "process"):
        train(project, place, tmp_path, "--run-name=task")
        run = the_training(store)
        found.append(read_training(store, run))
        store.delete_run(run.info.run_id)
    attached, process = found
    assert attached["training.metric.loss"] == [[0, 1.0, "", ""], [1, 0.5, "", ""], [2, 1 / 3, "", ""]]
    assert attached["training.metric.printed"] == [[0, 0.0, "", ""], [1, 1.0, "", ""], [2, 2.0, "", ""]]
    assert attached["training.artifact.texts/some.txt"] == "some text"
    assert attached["below.metric.loss"] == [[7, 0.25, "", ""]]
    assert compare(attached, process) == ""


def test_steps_run_in_the_job_and_are_below_its_run(store: MlflowClient, tmp_path: Path) -> None:
    project = ScriptProject(tmp_path / "project", "all_calls")
    project.declare_image()
    train(project, "process", tmp_path, "-e", "steps", env_manager="local")
    run = the_training(store)
    assert run.data.metrics["made"] == 6
    steps = [each for each in all_runs(store) if each.info.run_id != run.info.run_id]
    assert {each.data.tags["mlflow.parentRunId"] for each in steps} == {run.info.run_id}
    assert [(each.data.params, each.data.metrics, each.info.status) for each in steps] == [
        ({"number": "1"}, {"made": 2.0}, "FINISHED"),
        ({"number": "3"}, {"made": 6.0}, "FINISHED"),
    ]
