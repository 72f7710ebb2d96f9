"""Everything that a finished job leaves in its run."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus

from tests.support import make_points
from tests.tg_mlflow.results.ended_job import Job, build_task
from tests.tg_mlflow.results.unusual_tasks import CountingTask, OneSided
from tg.common.ml import dft
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.places.attached import AttachedConfig
from tg_mlflow.places.config import LogConfig
from tg_mlflow.places.loading import load_config
from tg_mlflow.results.model_check import CheckFailure
from tg_mlflow.tracking.client import TrackingClient

pytestmark = pytest.mark.usefixtures("jobs")


MODEL_ALONE = {"figures": False, "tables": False, "dataset": False}
FIGURES = {"calibration_curve", "coefficients", "confusion_matrix", "precision_recall_curve", "roc_curve"}


@pytest.fixture
def job(tmp_path: Path, store: MlflowClient) -> Job:
    return Job(tmp_path, store, build_task())


def test_a_run_has_everything_that_people_look_at(job: Job) -> None:
    run = job.log(job.dataset)
    assert job.files() == {"figures", "package", "result", "tables", "task.json"}
    assert job.files("figures/0") == {f"figures/0/{name}.{kind}" for name in FIGURES for kind in ("png", "csv")}
    assert job.files("tables") == {"tables/result_df.json"}
    assert [each.dataset.name for each in run.inputs.dataset_inputs] == ["points.parquet"]
    (output,) = run.outputs.model_outputs
    model = job.store.get_logged_model(output.model_id)
    assert (model.name, model.source_run_id, model.status) == ("model", job.run_id, LoggedModelStatus.READY)
    assert "tg.missing" not in run.data.tags
    assert mlflow.active_run() is None


def test_each_fold_has_its_figures(tmp_path: Path, store: MlflowClient) -> None:
    job = Job(tmp_path, store, build_task(splits=2))
    job.log(model=False)
    assert job.files("figures") == {"figures/0", "figures/1"}
    assert {Path(name).name for name in job.files("figures/1")} == {Path(name).name for name in job.files("figures/0")}


def test_the_table_has_the_predictions_with_their_index(job: Job) -> None:
    job.log(figures=False, model=False)
    logged = pd.DataFrame(**mlflow.artifacts.load_dict(f"runs:/{job.run_id}/tables/result_df.json"))
    with job.archive() as archive:
        expected = pd.read_parquet(archive.get_path("runs/0/result_df.parquet"))
    assert list(logged.columns) == ["index", "predicted", "true", "stage"]
    assert list(logged["index"]) == list(expected.index)
    assert list(logged["predicted"]) == pytest.approx(list(expected["predicted"]), abs=1e-9)


def test_of_a_long_table_there_are_1000_rows_in_their_order(tmp_path: Path, store: MlflowClient) -> None:
    job = Job(tmp_path, store, build_task(), make_points(1500))
    job.log(figures=False, model=False)
    logged = pd.DataFrame(**mlflow.artifacts.load_dict(f"runs:/{job.run_id}/tables/result_df.json"))
    assert len(logged) == 1000
    assert set(logged["stage"]) == {"test", "train"}


def test_the_model_predicts_as_the_one_in_the_archive(job: Job) -> None:
    job.log(job.dataset, **MODEL_ALONE)
    model = mlflow.pyfunc.load_model(f"runs:/{job.run_id}/model")
    features = make_points()[["x", "y"]]
    with job.archive() as archive:
        expected = archive.unpickle("runs/0/model.pkl")
    np.testing.assert_array_equal(model.predict(features), expected.predict(features))
    scores = model.predict(features, params={"predict_method": "predict_proba"})
    np.testing.assert_array_equal(scores, expected.predict_proba(features))
    with pytest.raises(Exception, match="predict_method is 'predict_prob'; did you mean 'predict_proba'"):
        model.predict(features, params={"predict_method": "predict_prob"})
    assert model.metadata.run_id == job.run_id
    assert model.metadata.signature.inputs.input_types_dict().keys() == {"x", "y"}
    example = model.input_example
    pd.testing.assert_frame_equal(example, features.head(5))


def test_the_model_says_what_it_needs(job: Job) -> None:
    job.log(job.dataset, **MODEL_ALONE)
    folder = Path(mlflow.artifacts.download_artifacts(f"runs:/{job.run_id}/model"))
    with job.archive() as archive:
        properties = json.loads(archive.get_path("package.json").read_text())
    expected = sorted([*properties["requirements"], f"mlflow=={mlflow.__version__}"])
    assert sorted((folder / "requirements.txt").read_text().split()) == expected
    assert f"python: {properties['python_version']}\n" in (folder / "python_env.yaml").read_text()
    assert [path.name for path in (folder / "code").iterdir()] == ["Points__0"]
    assert (
        "loader_module: Points__0.tg.common.delivery.sagemaker.runtime.model_loader\n"
        in (folder / "MLmodel").read_text()
    )


def test_columns_that_mlflow_has_no_types_for_are_taken_as_they_are(tmp_path: Path, store: MlflowClient) -> None:
    task = build_task()
    task.model_provider.transformer = dft.DataFrameTransformerFactory.default_factory()
    frame = make_points().assign(kind=pd.Categorical(["a", "b", None] * 20), late=[1] * 50 + [None] * 10)
    frame["whole"] = frame["late"].astype("Int64")
    job = Job(tmp_path, store, task, frame)
    assert "tg.missing" not in job.log(job.dataset).data.tags
    model = mlflow.pyfunc.load_model(f"runs:/{job.run_id}/model")
    types = {each["name"]: each["type"] for each in model.metadata.signature.inputs.to_dict()}
    assert types == {"x": "double", "y": "double", "kind": "any", "late": "any", "whole": "any"}
    with job.archive() as archive:
        expected = archive.unpickle("runs/0/model.pkl").predict(frame.tail(20))
    np.testing.assert_array_equal(model.predict(frame.drop(columns="label").tail(20)), expected)
    assert len(model.predict(model.input_example)) == 5


def test_without_the_dataset_nothing_is_said_of_the_models_columns(job: Job, recwarn: pytest.WarningsRecorder) -> None:
    run = job.log()
    assert run.inputs.dataset_inputs == []
    assert [each for each in recwarn if "input example" in str(each.message)] == []
    model = mlflow.pyfunc.load_model(f"runs:/{job.run_id}/model")
    assert (model.metadata.signature.inputs, model.metadata.signature.outputs) == (None, None)
    scores = model.predict(make_points()[["x", "y"]].head(3), params={"predict_method": "predict_proba"})
    assert scores.shape == (3, 2)  # and no labels, which MLflow gives where it knows no parameters
    assert "tg.missing" not in run.data.tags


class ScriptedChecker:
    """Finds what it is told to, check by check."""

    def __init__(self, *found: CheckFailure | None) -> None:
        self.found = list(found)

    def start(self) -> None:
        pass

    def check(self, folder: Path, modules: Sequence[str], rows: Path | None = None) -> CheckFailure | None:
        return self.found.pop(0)


FAILURE = CheckFailure("JSON", "ValueError: no")


@pytest.mark.parametrize(
    ("found", "missing", "is_signed"),
    [
        ([None], None, True),
        ([CheckFailure("load", "ModuleNotFoundError: No module named 'churn'")], "model/check", True),
        ([FAILURE, None], "model/signature", False),
        ([FAILURE, FAILURE], "model/check", True),
        ([CheckFailure("load", "ModuleNotFoundError: No module named 'far'", "far")], None, True),
    ],
)
def test_what_a_check_finds_is_said_and_a_signature_at_fault_is_left_out(
    found: list[CheckFailure | None],
    missing: str | None,
    is_signed: bool,
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checker = ScriptedChecker(*found)
    for module in ("tg_mlflow.results.model_check", "tg_mlflow.results.model_files"):
        monkeypatch.setattr(f"{module}.find_checker", lambda: checker)
    run = job.log(job.dataset, **MODEL_ALONE, check_model=True)
    assert run.data.tags.get("tg.missing") == missing
    assert checker.found == []
    model = mlflow.pyfunc.load_model(f"runs:/{job.run_id}/model")
    assert (model.metadata.signature.inputs is not None) is is_signed


def test_files_of_a_uv_project_in_the_working_directory_are_not_the_models(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uv.lock").write_text("version = 1\n")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'other'\nversion = '0'\n")
    monkeypatch.chdir(tmp_path)
    job.log(job.dataset, **MODEL_ALONE)
    folder = Path(mlflow.artifacts.download_artifacts(f"runs:/{job.run_id}/model"))
    assert not (folder / "uv.lock").exists()
    assert not (folder / "pyproject.toml").exists()


@pytest.mark.parametrize(
    ("off", "present"),
    [
        ("figures", {"tables", "dataset", "model"}),
        ("tables", {"figures", "dataset", "model"}),
        ("dataset", {"figures", "tables", "model"}),
        ("model", {"figures", "tables", "dataset"}),
    ],
)
def test_each_can_be_switched_off(job: Job, off: str, present: set[str]) -> None:
    run = job.log(job.dataset, **{off: False})
    logged = job.files() & {"figures", "tables"}
    logged |= {"dataset"} if run.inputs.dataset_inputs else set()
    logged |= {"model"} if run.outputs.model_outputs else set()
    assert logged == present
    assert "tg.missing" not in run.data.tags


def test_logging_again_doubles_nothing(job: Job) -> None:
    for _ in range(2):
        run = job.log(job.dataset)
    assert (len(run.inputs.dataset_inputs), len(run.outputs.model_outputs)) == (1, 1)
    table = mlflow.artifacts.load_dict(f"runs:/{job.run_id}/tables/result_df.json")
    assert len(table["data"]) == 60
    assert "tg.missing" not in run.data.tags


class Interrupted(TrackingClient):
    """A launcher's client whose launcher is interrupted while it uploads a model, or when it has."""

    def __init__(self, uri: str, when: str) -> None:
        super().__init__(uri)
        self.when = when

    def log_model_artifacts(self, model_id: str, local_dir: str) -> None:
        if self.when == "half uploaded":
            self.log_model_artifact(model_id, str(Path(local_dir) / "MLmodel"))
            raise KeyboardInterrupt
        super().log_model_artifacts(model_id, local_dir)

    def log_outputs(self, run_id: str, models: Any) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("when", "left"),
    [("half uploaded", LoggedModelStatus.FAILED), ("uploaded", LoggedModelStatus.READY)],
)
def test_a_model_whose_upload_was_interrupted_is_neither_half_nor_double(
    job: Job, when: str, left: LoggedModelStatus
) -> None:
    client = job.client
    job.client = Interrupted(job.store.tracking_uri, when)
    with pytest.raises(KeyboardInterrupt):
        job.log(job.dataset, **MODEL_ALONE)
    (model,) = job.models()
    assert model.status == left
    job.client = client
    run = job.log(job.dataset, **MODEL_ALONE)
    (model,) = job.models()
    assert model.status == LoggedModelStatus.READY
    assert [each.model_id for each in run.outputs.model_outputs] == [model.model_id]
    assert len(mlflow.pyfunc.load_model(f"runs:/{job.run_id}/model").predict(make_points()[["x", "y"]])) == 60


def test_a_model_that_was_begun_by_a_launcher_that_was_killed_is_deleted(job: Job) -> None:
    experiment = job.store.get_run(job.run_id).info.experiment_id
    killed = job.store.create_logged_model(experiment, "model", job.run_id)
    other = job.store.create_logged_model(experiment, "another", job.run_id)
    job.log(job.dataset, **MODEL_ALONE)
    assert killed.model_id not in {each.model_id for each in job.models()}
    assert {each.name for each in job.models()} == {"model", "another"}
    assert job.store.get_logged_model(other.model_id).status == LoggedModelStatus.PENDING


def test_no_path_of_this_machine_is_in_the_model(job: Job, tmp_path: Path) -> None:
    job.log(job.dataset, **MODEL_ALONE)
    folder = Path(mlflow.artifacts.download_artifacts(f"runs:/{job.run_id}/model"))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 10
    assert [path for path in files if str(tmp_path).encode() in path.read_bytes()] == []
    assert "artifact_path: model\n" in (folder / "MLmodel").read_text()


def test_what_cannot_be_drawn_is_named_in_a_tag_and_a_warning(
    tmp_path: Path, store: MlflowClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = build_task()
    task.artificiers = [OneSided()]
    job = Job(tmp_path, store, task)
    logger = logging.getLogger("mlflow.tg_mlflow")
    monkeypatch.setattr(logger, "handlers", [caplog.handler])  # as MLflow's loggers may not reach the root
    run = job.log(tmp_path / "gone.parquet")
    assert run.data.tags["tg.missing"] == (
        "dataset, figures/0/roc_curve, figures/0/precision_recall_curve, figures/0/calibration_curve, model/signature"
    )
    messages = list(dict.fromkeys(each.getMessage() for each in caplog.records if each.name == logger.name))
    assert messages[1] == (
        "figures/0/roc_curve could not be logged: ValueError: the 18 rows of the stage are all of one class"
    )
    assert len(messages) == 5
    assert all("\n" not in message for message in messages)
    assert "figures/0/confusion_matrix.png" in job.files("figures/0")
    assert len(mlflow.pyfunc.load_model(f"runs:/{job.run_id}/model").predict(make_points()[["x", "y"]])) == 60


def test_another_task_has_its_dataset_and_nothing_else(tmp_path: Path, store: MlflowClient) -> None:
    job = Job(tmp_path, store, CountingTask())
    run = job.log(job.dataset)
    assert job.files() == {"package", "result", "task.json"}
    assert [each.dataset.name for each in run.inputs.dataset_inputs] == ["points.parquet"]
    assert run.outputs.model_outputs == []
    assert "tg.missing" not in run.data.tags


def test_the_backend_config_switches_parts_off(tmp_path: Path) -> None:
    config = load_config(AttachedConfig, tmp_path, {"log": {"model": False}})
    assert config.log == LogConfig(figures=True, tables=True, dataset=True, model=False)
    with pytest.raises(BackendConfigError, match=r"the backend config has the unknown key .log\.plots."):
        load_config(AttachedConfig, tmp_path, {"log": {"plots": False}})
    with pytest.raises(BackendConfigError, match=r".log\.model. = .no.: Input should be a valid boolean"):
        load_config(AttachedConfig, tmp_path, {"log": {"model": "no"}})
