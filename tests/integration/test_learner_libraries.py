"""Models of several libraries in one project, trained in this process and from the package, with the same metrics."""

import os
import shutil
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import ExecutionException

from tests.learner_libraries import require
from tests.support import ROOT, ProjectFolder, all_runs, make_points
from tg.common.delivery.sagemaker import ResultArchive
from tg_mlflow.reproduction.planned_training import WantedTraining
from tg_mlflow.reproduction.resumption import resume
from tg_mlflow.tracking.client import TrackingClient

NEEDED = ("xgboost", "lightgbm", "catboost", "keras", "skorch")
# By library and problem; a model that learned nothing has 0.5, 0.4 and 0.
LEAST = {"binary": 0.93, "multiclass": 0.72, "regression": 0.7}

TASKS = """
    from pathlib import Path

    from sklearn.metrics import accuracy_score, r2_score, roc_auc_score

    import learner_models as models
    from tg.common.ml import single_frame_training as sft
    from tg.common.ml.training_core import AbstractTrainingTask

    EVALUATIONS = {
        "binary": (sft.Evaluation.binary_classification, roc_auc_score),
        "multiclass": (sft.Evaluation.multiclass_classification, accuracy_score),
        "regression": (sft.Evaluation.regression, r2_score),
    }


    class Matrix(AbstractTrainingTask):
        def __init__(self, parts):
            super().__init__()
            self.parts = parts

        def run_with_environment(self, data, environment):
            assert models.__name__ != "tests.learner_models"
            for number, ((library, problem), part) in enumerate(self.parts.items()):
                table = models.make_table(problem)
                if problem == "binary":
                    table["y"] = table["y"].map({"no": 1, "yes": 2})
                result = part.run(table)
                environment.output_metric(f"{library}_{problem}", result["metrics"]["score_test"])
                environment.store_artifact(["runs", number], "trained", result["runs"][0]["model"])
                environment.store_artifact(["runs", number], "predicted", result["runs"][0]["result_df"])


    def build_task(max_iter=1, C=1.0):
        parts = {}
        for library in ("xgboost", "lightgbm", "catboost", "keras", "skorch"):
            for problem, (evaluator, metric) in EVALUATIONS.items():
                reference, arguments = models.make_model(library, problem)
                parts[library, problem] = sft.SingleFrameTrainingTask(
                    sft.DataFrameLoader("y"),
                    sft.ModelProvider(sft.ModelConstructor(reference, **arguments)),
                    evaluator,
                    metrics_pool=sft.MetricPool().add_sklearn(metric, "score"),
                )
        return Matrix(parts)
"""


@pytest.fixture
def matrix(project: ProjectFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ProjectFolder:
    for library in NEEDED:
        require(library)
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    shutil.copy(ROOT / "tests" / "learner_models.py", project.path)
    project.write("tasks.py", TASKS)
    return project


def test_all_libraries_and_problems_in_a_process_as_here(matrix: ProjectFolder, store: MlflowClient) -> None:
    ids = [mlflow.projects.run(str(matrix.path), backend=f"tg-{place}").run_id for place in ("attached", "process")]
    attached, process = (store.get_run(each).data.metrics for each in ids)
    assert len(process) == 15
    assert {name: value for name, value in process.items() if value < LEAST[name.partition("_")[2]]} == {}
    # the same package, data and seeds; networks add up in an order of their own
    assert process == pytest.approx(attached, abs=1e-3)
    # models come out of the package, in this process, and predict what they predicted in the other
    with ResultArchive(Path(mlflow.artifacts.download_artifacts(f"runs:/{ids[1]}/result/model.tar.gz"))) as archive:
        for number in (0, 4, 8, 10, 14):
            model = archive.unpickle(f"runs/{number}/trained.pkl")
            assert "TrainingPipeline" in type(model).__name__
            assert model.steps[-1][0] == "model"


NETWORK = """
    import os

    os.environ["KERAS_BACKEND"] = "torch"

    import learner_models as models
    from tg.common.ml import single_frame_training as sft


    def build_task(max_iter=1, C=1.0):
        reference, arguments = models.make_model("keras", "regression")
        return sft.SingleFrameTrainingTask(
            sft.DataFrameLoader("label"),
            sft.ModelProvider(sft.ModelConstructor(reference, **arguments)),
            sft.Evaluation.regression,
        )
"""
CLEAN = """
    import os, sys
    assert "KERAS_BACKEND" not in os.environ
    import mlflow, pandas as pd
    model = mlflow.pyfunc.load_model(sys.argv[1])
    predicted = model.predict(pd.read_json("features.json", orient="split"))
    import keras
    print(keras.backend.backend(), len(predicted))
"""


def test_a_network_is_served_by_the_engine_that_it_was_trained_with(
    project: ProjectFolder, store: MlflowClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    require("keras")
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    shutil.copy(ROOT / "tests" / "learner_models.py", project.path)
    project.write("tasks.py", NETWORK)
    run_id = mlflow.projects.run(str(project.path), backend="tg-attached").run_id
    # where the model is checked, nobody says which engine, either
    assert "tg.missing" not in store.get_run(run_id).data.tags
    folder = mlflow.artifacts.download_artifacts(f"runs:/{run_id}/model")
    make_points(7).drop(columns="label").to_json(tmp_path / "features.json", orient="split")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "KERAS"))}
    command = [sys.executable, "-c", textwrap.dedent(CLEAN), folder]
    answer = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "torch 7"


def test_the_torch_checkpoints_of_the_examples(
    store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="there is no build of PyTorch for CPUs here")
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    example = str(ROOT / "examples" / "torch_checkpoints")
    ids, place = [], "tg-attached"  # it keeps what this process has imported
    for parameters in ({"epochs": "4"}, {"epochs": "4", "fails_after": "2"}):
        with suppress(ExecutionException):
            mlflow.projects.run(example, backend=place, parameters=parameters)
        ids.append(max(all_runs(store), key=lambda run: int(run.info.start_time)).info.run_id)
    ids.append(resume(TrackingClient(store.tracking_uri), WantedTraining(ids[1]))[0])
    assert [store.get_run(each).info.status for each in ids] == ["FINISHED", "FAILED", "FINISHED"]
    assert store.get_run(ids[2]).data.tags["tg.resumed_from_step"] == "2"
    for name, count in (("loss", 4), ("final_loss", 1)):
        whole, resumed = (
            [(point.step, point.value) for point in store.get_metric_history(each, name)] for each in (ids[0], ids[2])
        )
        assert resumed == whole
        assert len(whole) == count


def test_the_torch_loop_of_the_examples(store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="there is no build of PyTorch for CPUs here")
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    example = str(ROOT / "examples" / "torch_loop")
    run_id = mlflow.projects.run(example, backend="tg-process", parameters={"epochs": "8"}).run_id
    run = store.get_run(run_id)
    losses = store.get_metric_history(run_id, "loss")
    assert run.info.status == "FINISHED"
    assert [point.step for point in losses] == list(range(8))
    # a guess between two has a loss of 0.69 and is right in half of the cases
    assert losses[0].value > 0.4
    assert losses[-1].value < 0.2
    assert 0.93 < run.data.metrics["accuracy"] <= 1.0
    with ResultArchive(Path(mlflow.artifacts.download_artifacts(f"runs:/{run_id}/result/model.tar.gz"))) as archive:
        weights = archive.unpickle("weights.pkl")
    assert {name: value.shape for name, value in weights.items()} == {
        "0.weight": (32, 2), "0.bias": (32,), "2.weight": (32, 32), "2.bias": (32,), "4.weight": (2, 32), "4.bias": (2,)
    }  # fmt: skip
