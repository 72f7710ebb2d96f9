"""Models of runs, loaded in processes that know neither the project nor its package."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from tests.support import ProjectFolder, make_points
from tg.common.delivery.sagemaker import ResultArchive

pytestmark = pytest.mark.usefixtures("jobs")


BIN = Path(sys.executable).parent

TASKS = """
    from tg.common.ml import single_frame_training as sft
    from shifting import Shifted


    def build_task(max_iter: int = 100, C: float = 1.0):
        return sft.SingleFrameTrainingTask(
            data_loader=sft.DataFrameLoader("label"),
            model_provider=sft.ModelProvider(Shifted),
            evaluator=sft.Evaluation.regression,
        )
"""
SHIFTING = """
    from sklearn.linear_model import LinearRegression

    SHIFT = {shift}


    class Shifted(LinearRegression):
        def predict(self, X):
            return super().predict(X) + SHIFT
"""

LOAD = """
    import json, sys
    import mlflow, pandas as pd
    features = pd.read_json("features.json", orient="split")
    found = [list(mlflow.pyfunc.load_model(uri).predict(features)) for uri in sys.argv[1:]]
    ours = [name for name in sys.modules if name.partition(".")[0] in ("tg", "tg_mlflow", "tasks", "shifting")]
    print(json.dumps([found, ours]))
"""


def train(project: ProjectFolder, shift: int) -> str:
    project.write("tasks.py", TASKS)
    project.write("shifting.py", SHIFTING.format(shift=shift))
    return str(mlflow.projects.run(str(project.path), backend="tg-process").run_id)


def predict_from_archive(run_id: str, features: pd.DataFrame) -> list[float]:
    with ResultArchive(Path(mlflow.artifacts.download_artifacts(f"runs:/{run_id}/result/model.tar.gz"))) as archive:
        return list(archive.unpickle("runs/0/model.pkl").predict(features))


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def test_two_versions_load_in_a_process_that_knows_neither(
    project: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    features = make_points()[["x", "y"]]
    project.write("tg.json", '{"dataset": "points.parquet", "log": {"check_model": false}}')
    runs = [train(project, shift) for shift in (0, 1000)]
    for run_id in runs:  # the launcher cannot import the model's class either, but from the package
        assert "tg.missing" not in store.get_run(run_id).data.tags
        assert "figures/0/coefficients.csv" in {each.path for each in store.list_artifacts(run_id, "figures/0")}
    expected = [predict_from_archive(run_id, features) for run_id in runs]
    empty = tmp_path / "empty"
    empty.mkdir()
    features.to_json(empty / "features.json", orient="split", double_precision=15)
    (empty / "load.py").write_text(textwrap.dedent(LOAD))
    result = subprocess.run(
        [sys.executable, "load.py", *(f"runs:/{run_id}/model" for run_id in runs)],
        cwd=empty,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    found, ours = json.loads(result.stdout.splitlines()[-1])
    assert ours == []
    for number in range(2):
        assert found[number] == pytest.approx(expected[number], abs=1e-9)
    assert min(found[1]) > 900 > max(found[0])


def test_mlflow_models_predict_needs_nothing_but_the_registered_model(
    project: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    register = {"name": "points", "alias": "champion"}
    project.write("tg.json", json.dumps({"dataset": "points.parquet", "register": register}))
    run_id = train(project, 1000)
    assert store.get_run(run_id).data.tags["tg.registered"] == "version 1 of points, the champion"
    features = make_points(3)[["x", "y"]]
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "input.json").write_text(json.dumps({"dataframe_split": features.to_dict(orient="split")}))
    words = ["models", "predict", "-m", "models:/points@champion", "--env-manager", "local", "-i", "input.json"]
    result = subprocess.run(
        [str(BIN / "mlflow"), *words, "-o", "output.json"],
        cwd=empty,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    predictions = json.loads((empty / "output.json").read_text())["predictions"]
    assert predictions == pytest.approx(predict_from_archive(run_id, features), abs=1e-9)


LEXICON_TASKS = """
    from churnling.text import LexiconCounter
    from tg.common.ml import single_frame_training as sft


    def build_task(max_iter: int = 100, C: float = 1.0):
        return sft.SingleFrameTrainingTask(
            data_loader=sft.DataFrameLoader("label"),
            model_provider=sft.ModelProvider(
                sft.ModelConstructor("sklearn.linear_model:LinearRegression"), transformer=LexiconCounter()
            ),
            evaluator=sft.Evaluation.regression,
        )
"""
# The package's name in texts, in several functions that take one: in quotes, and made up when the code runs.
LEXICON_TEXT = """
    import importlib
    import importlib.util
    import logging
    import pkgutil
    from importlib.resources import files
    from pathlib import Path

    import churnling
    import pandas as pd
    from sklearn.base import BaseEstimator, TransformerMixin

    NAME = "churn" + "ling"


    class LexiconCounter(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            self.fitted_ = True
            return self

        def transform(self, X):
            texts = [
                files("churnling").joinpath("lexicon.txt").read_text(),
                files(NAME).joinpath("lexicon.txt").read_text(),
                files(churnling).joinpath("lexicon.txt").read_text(),
                files(__package__).joinpath("lexicon.txt").read_text(),
                pkgutil.get_data("churnling", "lexicon.txt").decode(),
                (Path(__file__).parent / "lexicon.txt").read_text(),
                __import__("churnling.words").words.LEXICON,
                importlib.import_module(f"{NAME}.words").LEXICON,
            ]
            assert len(set(texts)) == 1, texts
            assert importlib.util.find_spec("churnling") is not None
            assert logging.getLogger("churnling").name == NAME
            return pd.DataFrame({word: X["text"].str.count(word) for word in texts[0].split()}, index=X.index)
"""

LEXICON_PREDICT = """
    import json, sys
    import mlflow, pandas as pd
    from mlflow.pyfunc.scoring_server import infer_and_parse_data

    model = mlflow.pyfunc.load_model(sys.argv[1])
    table = pd.read_parquet(sys.argv[2]).drop(columns="label")
    records = json.loads(table.to_json(orient="records", date_format="iso", double_precision=15))
    data = infer_and_parse_data({"dataframe_records": records}, model.metadata.get_input_schema())
    print(json.dumps([list(model.predict(table)), list(model.predict(data))]))
"""


@pytest.mark.parametrize("backend", ["tg-attached", "tg-process"])
def test_a_model_finds_its_package_by_names_in_texts(
    backend: str, project: ProjectFolder, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [["angry refund", "hello", "refund refund angry"][number % 3] for number in range(20)]
    table = pd.DataFrame({"text": words, "label": [float(len(text)) for text in words]})
    project.write("tg.json", '{"dataset": "points.parquet", "data_files": ["lexicon.txt"], "log": {"figures": false}}')
    dataset = project.write_dataset(table)
    project.write("tasks.py", LEXICON_TASKS)
    project.write("churnling/__init__.py", "")
    project.write("churnling/lexicon.txt", "angry\nrefund\n")
    project.write("churnling/words.py", 'LEXICON = "angry\\nrefund\\n"\n')
    project.write("churnling/text.py", LEXICON_TEXT)
    monkeypatch.syspath_prepend(project.path)
    run_id = mlflow.projects.run(str(project.path), backend=backend).run_id
    run = store.get_run(run_id)
    assert (run.info.status, run.data.tags.get("tg.missing")) == ("FINISHED", None)
    (model,) = run.outputs.model_outputs
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "load.py").write_text(textwrap.dedent(LEXICON_PREDICT))
    result = subprocess.run(
        [sys.executable, "load.py", f"models:/{model.model_id}", str(dataset)],
        cwd=empty,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    frame, served = json.loads(result.stdout.splitlines()[-1])
    expected = predict_from_archive(run_id, table[["text"]])
    assert frame == served == expected
    assert len(set(expected)) == 3
