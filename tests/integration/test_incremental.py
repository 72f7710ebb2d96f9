"""The example of a training on batches, in a process, from its commands to the model that it leaves."""

import json
import shutil
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from tests import warm
from tests.support import ROOT
from tg.common.delivery.sagemaker import ResultArchive

ROWS = 60_000


@pytest.mark.usefixtures("jobs")
def test_the_example_learns_from_batches_and_leaves_a_model(store: MlflowClient, tmp_path: Path) -> None:
    project = tmp_path / "incremental"
    shutil.copytree(ROOT / "examples" / "incremental", project, ignore=shutil.ignore_patterns("datasets"))
    warm.run([str(project / "prepare_data.py"), "--rows", str(ROWS)], check=True)
    data = project / "datasets" / "incremental" / "visits"
    assert [path.name for path in data.iterdir()] == ["part-00000.parquet"]
    parameters = {"epochs": "2", "batch_size": "5000", "evaluate_every": "4"}
    run_id = mlflow.projects.run(str(project), backend="tg-process", parameters=parameters).run_id
    run = store.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert "tg.missing" not in run.data.tags
    # 11 batches an epoch, of the rows that the split leaves to learn from
    curve = store.get_metric_history(run_id, "roc_auc_score_test")
    assert len(curve) == 6
    assert curve[-1].step == 2 * 54_069
    assert curve[-1].value > 0.86
    assert run.data.metrics["log_loss_test"] < 0.6
    artifacts = {each.path for each in store.list_artifacts(run_id)}
    assert artifacts >= {"figures", "logs", "package", "result", "tables", "task.json"}
    table = json.loads(Path(mlflow.artifacts.download_artifacts(f"runs:/{run_id}/tables/result_df.json")).read_text())
    assert {"predicted", "true", "stage"} <= set(table["columns"])
    rows = pd.read_parquet(data).head(2000)
    model = mlflow.pyfunc.load_model(f"runs:/{run_id}/model")
    assert model.metadata.get_input_schema().input_names() == [*(f"x{number:02}" for number in range(10)), "device"]
    assert (model.predict(rows.drop(columns=["visitor", "bought"])) == rows["bought"]).mean() > 0.75
    # the network of the example is another task: this one needs no PyTorch
    with ResultArchive(Path(mlflow.artifacts.download_artifacts(f"runs:/{run_id}/result/model.tar.gz"))) as archive:
        requirements = json.loads(archive.get_path("package.json").read_text())["requirements"]
    assert [each.partition("==")[0] for each in requirements if "torch" in each] == []
