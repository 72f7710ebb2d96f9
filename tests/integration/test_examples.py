"""The examples do what their pages say; those with ssh and AWS are beside the tests of these."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.documentation import EXAMPLES, Reader, Story, stories
from tests.support import all_runs, make_points
from tg.common.delivery.sagemaker import ResultArchive

# What takes most of the time of a record, and is tested elsewhere.
LOG = {"check_model": False, "figures": False, "model": False, "system_metrics_seconds": 0, "tables": False}

Check = Callable[[MlflowClient, Sequence[Run], Path], None]


def check_breast_cancer(store: MlflowClient, runs: Sequence[Run], folder: Path) -> None:
    single, sweep, *children = runs  # in the order in which they began
    assert (single.data.params["C"], single.data.tags["tg.place"]) == ("0.5", "tg-attached")
    assert single.data.metrics["roc_auc_score_test"] > 0.99
    assert [str(run.info.run_name) for run in children] == ["C0.01", "C1"]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {sweep.info.run_id}
    best = max(children, key=lambda run: run.data.metrics["roc_auc_score_test"])
    assert sweep.data.tags["tg.best_run_id"] == best.info.run_id


def check_dask(store: MlflowClient, runs: Sequence[Run], folder: Path) -> None:
    (run,) = runs
    # y = a + 2 b + 3 c + 4, and noise
    weights = {name: run.data.metrics[f"weight_{name}"] for name in ("a", "b", "c", "intercept")}
    assert weights == pytest.approx({"a": 1, "b": 2, "c": 3, "intercept": 4}, abs=0.01)
    assert run.data.metrics["workers"] == 2


def check_torch_distributed(store: MlflowClient, runs: Sequence[Run], folder: Path) -> None:
    (run,) = runs
    losses = [point.value for point in store.get_metric_history(run.info.run_id, "loss")]
    assert len(losses) == 20  # the first process's alone
    assert losses[-1] < losses[0] / 100
    log = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/logs/train.log")
    assert re.search(r"^algo-2 rank 1 \| .*trained on algo-2, one of 2$", log, re.MULTILINE)


def check_incremental(store: MlflowClient, runs: Sequence[Run], folder: Path) -> None:
    run, alone, together = runs
    for name in ("roc_auc_score_test", "log_loss_test", "loss"):
        one, other = (store.get_metric_history(each.info.run_id, name) for each in (alone, together))
        assert [point.step for point in other] == [point.step for point in one] == [180_055]
        assert other[0].value == pytest.approx(one[0].value, abs=1e-4)
    assert alone.data.metrics["roc_auc_score_test"] > 0.86
    assert "tg.missing" not in run.data.tags
    # 20 batches an epoch, of the rows that the split leaves to learn from; measured every 5 batches
    curve = store.get_metric_history(run.info.run_id, "roc_auc_score_test")
    assert (len(curve), curve[-1].step) == (8, 2 * 180_055)
    assert curve[-1].value > 0.86
    assert run.data.metrics["log_loss_test"] < 0.6
    artifacts = {each.path for each in store.list_artifacts(run.info.run_id)}
    assert {"figures", "logs", "package", "result", "tables", "task.json"} <= artifacts
    rows = pd.read_parquet(folder / "datasets" / "incremental" / "visits").head(2000)
    model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    assert model.metadata.get_input_schema().input_names() == [*(f"x{number:02}" for number in range(10)), "device"]
    assert (model.predict(rows.drop(columns=["visitor", "bought"])) == rows["bought"]).mean() > 0.75
    # the network of the example is another task: this one needs no PyTorch
    with ResultArchive(Path(mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/result/model.tar.gz"))) as it:
        requirements = json.loads(it.get_path("package.json").read_text(encoding="utf-8"))["requirements"]
    assert [each for each in requirements if each.startswith("torch")] == []


def check_titanic(store: MlflowClient, runs: Sequence[Run], folder: Path) -> None:
    (run,) = runs
    assert "roc_auc_score_test" in run.data.metrics
    assert len(pd.read_parquet(folder / "datasets" / "titanic_project" / "titanic.parquet")) == 60


def check_torch_checkpoints(store: MlflowClient, runs: Sequence[Run], folder: Path) -> None:
    whole, failing, resumed = runs
    assert [run.info.status for run in runs] == ["FINISHED", "FAILED", "FINISHED"]
    assert resumed.data.tags["tg.resumed_from"] == failing.info.run_id
    assert resumed.data.tags["tg.resumed_from_step"] == "8"
    for name, count in (("loss", 20), ("final_loss", 1)):
        one, other = (
            [(point.step, point.value) for point in store.get_metric_history(run.info.run_id, name)]
            for run in (whole, resumed)
        )
        assert other == one
        assert len(one) == count


def check_torch_loop(store: MlflowClient, runs: Sequence[Run], folder: Path) -> None:
    (run,) = runs
    losses = store.get_metric_history(run.info.run_id, "loss")
    assert [point.step for point in losses] == list(range(20))
    # a guess between two has a loss of 0.69 and is right in half of the cases
    assert losses[0].value > 0.4
    assert losses[-1].value < 0.1
    assert 0.95 < run.data.metrics["accuracy"] <= 1.0
    with ResultArchive(Path(mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/result/model.tar.gz"))) as it:
        weights = it.unpickle("weights.pkl")
    assert {name: value.shape for name, value in weights.items()} == {
        "0.weight": (32, 2), "0.bias": (32,), "2.weight": (32, 32), "2.bias": (32,), "4.weight": (2, 32), "4.bias": (2,)
    }  # fmt: skip


def check_xgboost(store: MlflowClient, runs: Sequence[Run], folder: Path) -> None:
    (run,) = runs
    curve = {point.step: point.value for point in store.get_metric_history(run.info.run_id, "validation_mlogloss")}
    best = int(run.data.metrics["best_iteration"])
    assert list(curve) == list(range(best + 11))  # ten more, in vain
    assert min(curve, key=lambda step: curve[step]) == best
    assert curve[0] > 2 * curve[best]
    assert 0.9 < run.data.metrics["accuracy_score_test"] < run.data.metrics["accuracy_score_train"]
    assert {"xgboost", "python_function"} <= set(mlflow.models.get_model_info(f"runs:/{run.info.run_id}/model").flavors)


def check_optuna(store: MlflowClient, runs: Sequence[Run], folder: Path) -> None:
    (study,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    trials = [run for run in runs if run is not study]
    pruned = [run for run in trials if run.info.status == "KILLED"]
    assert (study.info.run_name, study.info.status, len(trials)) == ("digits", "FINISHED", 8)
    assert 1 <= len(pruned) <= 5  # the first three are what others are compared with
    assert {int(run.data.tags["tg.pruned_at_step"]) for run in pruned} <= set(range(2, 10))
    finished = {str(run.info.run_name): run.data.metrics["accuracy"] for run in trials if run not in pruned}
    assert len(finished) == 8 - len(pruned)
    assert study.data.tags["tg.best_name"] == max(finished, key=lambda name: finished[name])
    assert max(finished.values()) > 0.9


def check_plain_project(store: MlflowClient, runs: Sequence[Run], folder: Path) -> None:
    (run,) = runs
    assert sorted(each.name for each in folder.iterdir()) == ["MLproject", "README.md", "train.py"]
    assert run.data.params == {"alpha": "0.05", "l1_ratio": "0.5"}
    assert (round(run.data.metrics["r2"], 3), round(run.data.metrics["mae"], 2)) == (0.16, 52.84)
    model = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/model")
    assert (type(model).__name__, model.alpha) == ("ElasticNet", 0.05)


def check_notebook(store: MlflowClient, runs: Sequence[Run], folder: Path) -> None:
    cells = json.loads((folder / "executed.ipynb").read_text(encoding="utf-8"))["cells"]
    results = [each["data"]["text/plain"] for cell in cells for each in cell.get("outputs", ()) if "data" in each]
    texts = ["".join(each) for each in results]
    metrics = [text for text in texts if text.startswith("{'roc_auc_score_test': 0.99")]
    assert texts[0] == "(569, 31)"
    assert len(metrics) == 2  # in memory, and attached
    assert metrics[0] == metrics[1]
    assert any("'runs/0/model.pkl'" in text and "'completed.json'" in text for text in texts)
    assert "C0.01  FINISHED" in texts[-1]
    assert sorted(str(run.info.run_name) for run in runs) == ["C0.01", "C1.0", "SingleFrameTrainingTask"]


CHECKS: dict[str, Check] = {
    "breast_cancer": check_breast_cancer,
    "dask": check_dask,
    "incremental": check_incremental,
    "notebook": check_notebook,
    "optuna": check_optuna,
    "plain_project": check_plain_project,
    "titanic": check_titanic,
    "torch_checkpoints": check_torch_checkpoints,
    "torch_distributed": check_torch_distributed,
    "torch_loop": check_torch_loop,
    "xgboost_early_stopping": check_xgboost,
}
NEEDED = {
    "dask": "distributed",
    "incremental": "torch",
    "notebook": "ipykernel",
    "optuna": "optuna",
    "torch_checkpoints": "torch",
    "torch_distributed": "torch",
    "torch_loop": "torch",
    "xgboost_early_stopping": "xgboost",
}
CONFIGS: dict[str, Mapping[str, Any]] = {
    "incremental": {"log": {"check_model": False, "system_metrics_seconds": 0}},
    "plain_project": {},  # which would be a file that it does not have
    "xgboost_early_stopping": {"log": {**LOG, "model": True}},
}


def write_passengers(folder: Path) -> None:
    """Writes passengers with the columns of Kaggle's file, and some of its gaps; made up."""
    points = make_points(60)
    frame = pd.DataFrame(
        {
            "PassengerId": range(1, 61),
            "Survived": points["label"],
            "Pclass": [1, 2, 3] * 20,
            "Name": "Nobody",
            "Sex": ["male", "female"] * 30,
            "Age": [None, *points["x"].abs().mul(20).round()[1:]],
            "SibSp": 0,
            "Parch": 0,
            "Ticket": "1",
            "Fare": points["y"].abs(),
            "Cabin": None,
            "Embarked": ["S", "C", None] * 20,
        }
    )
    frame.to_csv(folder / "titanic.csv", index=False)


@pytest.mark.parametrize("story", stories(None, EXAMPLES), ids=lambda story: story.name.split("/")[1])
def test_an_example_does_what_its_page_says(
    story: Story, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, folder = story.name.split("/")[1], tmp_path / "story"
    if name in NEEDED:
        pytest.importorskip(NEEDED[name], reason=f"{NEEDED[name]} is not installed; `make test` installs it")
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    folder.mkdir()
    if name == "titanic":
        write_passengers(folder)
    reader = Reader(folder, CONFIGS.get(name, {"log": LOG}))
    reader.read(story)
    runs = all_runs(store)
    if name != "torch_checkpoints":  # one of its trainings is to fail
        assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}, reader.output
    CHECKS[name](store, runs, folder)
    assert list((tmp_path / "jobs").iterdir()) == []
