"""What a training gives to MLflow is the same in the run, beside the store and in a job without one."""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import ExecutionException

from tests.support import ProjectFolder, all_runs

TASKS = """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    from tg.common.ml.training_core import AbstractTrainingTask


    class Calling(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            import mlflow

            x, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]]), np.array([0, 0, 1, 1])
            mlflow.sklearn.autolog(log_models=False, log_input_examples=False)
            with mlflow.start_run(run_name="outer") as outer:
                mlflow.log_params({"alpha": 0.5, "kind": "small"})
                model = LogisticRegression(C=0.5).fit(x, y)
                mlflow.sklearn.autolog(disable=True)
                for step in range(3):
                    mlflow.log_metric("loss", 1 / (step + 1), step=step)
                mlflow.log_metrics({"nan": float("nan"), "inf": float("inf")}, step=1)
                mlflow.set_tags({"best": outer.info.run_id, "passing": "1"})
                mlflow.delete_tag("passing")
                mlflow.log_input(mlflow.data.from_numpy(x, source="points.npy", name="points"), context="eval")
                mlflow.log_text("hello", "notes/a.txt")
                mlflow.log_dict({"a": [1, 2]}, "b.json")
                for fold in range(2):
                    with mlflow.start_run(nested=True, run_name=f"fold {fold}") as child:
                        mlflow.log_metric("loss", fold / 4)
                        mlflow.log_text("y" * 100_000 * fold, f"{fold}.txt")
                mlflow.log_param("last", child.info.run_id)
                info = mlflow.sklearn.log_model(
                    model, name="mine", pip_requirements=["scikit-learn"], registered_model_name="registered-" + KIND,
                    signature=mlflow.models.infer_signature(x, y), params={"depth": 3}, tags={"level": "low"},
                )
                mlflow.log_metric("auc", 0.75, step=2, model_id=info.model_id)


    def build_task():
        return Calling()
"""

# What a place itself adds, and what MLflow says of a script and the launcher of its project.
OWN = ("tg.", "mlflow.note.content", "mlflow.project.", "mlflow.source.")


def describe(client: MlflowClient, run: Run, parent: Run | None = None) -> dict[str, Any]:
    """Describes what a run has, with names in place of ids."""
    run_id, experiments = run.info.run_id, [run.info.experiment_id]
    children = client.search_runs(experiments, f"tags.mlflow.parentRunId = '{run_id}'", order_by=["start_time"])
    names = {each.info.run_id: f"<{each.info.run_name}>" for each in (run, *children, parent) if each}
    models = [client.get_logged_model(each.model_id) for each in run.outputs.model_outputs]
    return {
        "status": run.info.status,
        "name": run.info.run_name,
        "params": {key: names.get(value, value) for key, value in run.data.params.items()},
        "tags": {key: names.get(value, value) for key, value in run.data.tags.items() if not key.startswith(OWN)},
        "metrics": {
            name: [(each.step, repr(each.value)) for each in client.get_metric_history(run_id, name)]
            for name in run.data.metrics
            if not name.startswith("tg.")
        },
        "inputs": [
            (each.dataset.name, each.dataset.digest, each.dataset.schema, each.tags[0].value)
            for each in run.inputs.dataset_inputs
        ],
        "artifacts": sorted(read_artifacts(client, run_id)),
        "models": [describe_model(each, names) for each in models],
        "children": [describe(client, each, run) for each in children],
    }


def describe_model(model: Any, names: dict[str, str]) -> dict[str, Any]:
    loaded = mlflow.pyfunc.load_model(f"models:/{model.model_id}")
    info = mlflow.models.get_model_info(f"models:/{model.model_id}")
    return {
        "name": model.name,
        "status": str(model.status),
        "params": {key: names.get(value, value) for key, value in model.params.items()},
        "level": model.tags["level"],
        "metrics": sorted((each.key, each.value, each.step) for each in model.metrics),
        "flavors": sorted(info.flavors),
        "signature": info.signature.to_dict(),
        "is_its_own": (info.model_id, info.run_id) == (model.model_id, model.source_run_id),
        "predictions": list(loaded.predict(np.array([[0.0, 1.0], [3.0, 1.0]]))),
    }


def read_artifacts(client: MlflowClient, run_id: str, folder: str | None = None) -> "list[tuple[str, int]]":
    """Lists names and sizes, without what the launcher itself adds."""
    return [
        each
        for found in client.list_artifacts(run_id, folder)
        if found.path not in ("environment.json", "logs", "package", "result", "task.json")
        for each in (
            read_artifacts(client, run_id, found.path) if found.is_dir else [(found.path, int(found.file_size))]
        )
    ]


def test_a_job_without_a_server_leads_to_the_same_run(project: ProjectFolder, store: MlflowClient, jobs: Path) -> None:
    project.write("tg.json", "{}")
    project.write("MLproject", "name: p\nentry_points: {main: {command: 'tg-mlflow train tasks:build_task'}}")
    found = {}
    for place in ("tg-attached", "tg-process"):
        project.write("tasks.py", TASKS.replace("KIND", repr(place)))
        submitted = mlflow.projects.run(str(project.path), backend=place, backend_config={})
        found[place] = describe(store, store.get_run(submitted.run_id))
        (version,) = store.search_model_versions(f"name = 'registered-{place}'")
        assert (version.version, version.run_id) == (1, submitted.run_id)
        assert mlflow.pyfunc.load_model(f"models:/registered-{place}/1").predict(np.array([[3.0, 1.0]])) == [1]
    attached, job = found["tg-attached"], found["tg-process"]
    assert {key: (job[key], attached[key]) for key in job if job[key] != attached[key]} == {}
    assert (job["status"], job["name"], job["params"]["last"]) == ("FINISHED", "outer", "<fold 1>")
    assert job["metrics"]["loss"] == [(0, "1.0"), (1, "0.5"), (2, "0.3333333333333333")]
    assert [each["artifacts"] for each in job["children"]] == [[("0.txt", 0)], [("1.txt", 100_000)]]
    assert job["models"][0]["metrics"][:2] == [("auc", 0.75, 2), ("loss", 1.0, 0)]
    assert len(all_runs(store)) == 6


def test_a_run_that_the_code_ends_on_the_server_itself_is_the_launchers_to_end(
    project: ProjectFolder, store: MlflowClient, jobs: Path
) -> None:
    failing = """
        from tg.common.ml.training_core import AbstractTrainingTask


        class Failing(AbstractTrainingTask):
            def run_with_environment(self, data, environment):
                import mlflow

                with mlflow.start_run():
                    mlflow.log_param("alpha", 0.5)
                raise ValueError("no luck")


        def build_task():
            return Failing()
    """
    project.write("tg.json", '{"mlflow": "direct"}')
    project.write("MLproject", "name: p\nentry_points: {main: {command: 'tg-mlflow train tasks:build_task'}}")
    project.write("tasks.py", failing)
    with pytest.raises(ExecutionException, match="has failed: ValueError: no luck"):
        mlflow.projects.run(str(project.path), backend="tg-process", backend_config={})
    (run,) = all_runs(store)
    assert (run.info.status, run.data.params) == ("FAILED", {"alpha": "0.5"})
    assert run.data.tags["tg.failure_reason"].endswith("has failed: ValueError: no luck")
