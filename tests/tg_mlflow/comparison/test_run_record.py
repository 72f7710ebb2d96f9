"""What is read of runs in a store, of this version and of earlier ones."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from tests.released.test_released import RELEASES
from tests.tg_mlflow.comparison.stored_runs import create_released_run, create_run
from tg.common.errors import ResultArchiveError
from tg_mlflow.comparison.differences import Difference
from tg_mlflow.comparison.run_comparison import compare
from tg_mlflow.comparison.run_record import DatasetRecord, flatten, read_record
from tg_mlflow.errors import RunDeletedError, RunNotOursError
from tg_mlflow.tracking.client import TrackingClient


@pytest.fixture
def client(store: MlflowClient) -> TrackingClient:
    return TrackingClient(store.tracking_uri, patience_seconds=0)


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_runs_of_a_release_are_compared_by_what_they_remember(
    release: Path, store: MlflowClient, client: TrackingClient, tmp_path: Path
) -> None:
    first, second = (create_released_run(store, release, tmp_path) for _ in range(2))
    store.log_param(second, "scale", "2.0")
    a, b = (read_record(client, run_id, tmp_path) for run_id in (first, second))
    assert a.package is not None
    assert list(a.package.sources) == ["tasks.py"]
    assert a.config == {"dataset": "points.parquet", "detach": "true", "log.check_model": "false"}
    assert list(a.metrics) == ["roc_auc_score_test"]
    assert list(a.predictions or ()) == ["runs/0/result_df.parquet"]
    comparison = compare(a, b)
    assert [each for each in comparison.differences if not each.is_unknown] == [
        Difference("parameter", "scale", None, "2.0")
    ]
    assert [each.name for each in comparison.differences if each.is_unknown] == [
        *("dataset", "Python", "installed libraries", "CPU", "variables of threads", "PYTHONHASHSEED")
    ]


def test_a_run_of_plain_mlflow_has_what_mlflow_records(
    store: MlflowClient, client: TrackingClient, tmp_path: Path
) -> None:
    run_id = create_run(store)
    store.log_batch(run_id, [Metric("loss", 0.5, 1, 3)], [Param("C", "1")], [RunTag("note", "hello")])
    dataset = Dataset("points", "d1", "code", json.dumps(CodeDatasetSource(tags={}).to_dict()), None, '"60 rows"')
    store.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "eval")])])
    record = read_record(client, run_id, tmp_path)
    assert (record.params, record.datasets) == ({"C": "1"}, [DatasetRecord("points", "d1", "eval", None, False)])
    assert record.metrics == {"loss": [(3, 1, 0.5)]}
    assert [record.config, record.place_options, record.package, record.task] == [None] * 4
    assert [record.environment, record.predictions] == [None] * 2


def test_a_training_without_a_dataset_has_recorded_that(
    store: MlflowClient, client: TrackingClient, tmp_path: Path
) -> None:
    assert read_record(client, create_run(store, **{"tg.state": "{}"}), tmp_path).datasets == []
    for text in ('{"config": {"dataset": "points.parquet", "log": {"dataset": false}}}', '{"dataset": "/data/x.csv"}'):
        assert read_record(client, create_run(store, **{"tg.state": text}), tmp_path).datasets is None


def test_channels_are_no_datasets_and_one_of_which_nothing_is_recorded_is_known(
    store: MlflowClient, client: TrackingClient, tmp_path: Path
) -> None:
    config = '{"dataset": "points.parquet", "channels": {"train": "data/train", "test": "s3://pail/test"}}'
    run_id = create_run(store, **{"tg.state": f'{{"config": {config}}}'})
    tags = [InputTag("mlflow.data.context", "channel train")]
    store.log_inputs(run_id, [DatasetInput(Dataset("train/words", "d1", "local", "{}"), tags)])
    record = read_record(client, run_id, tmp_path)
    assert record.channels == {"train": "d1", "test": None}
    assert record.datasets is None


def test_a_training_that_has_failed_has_made_no_predictions(
    store: MlflowClient, client: TrackingClient, tmp_path: Path
) -> None:
    found = {}
    for status in ("FAILED", "KILLED", "FINISHED", "RUNNING"):
        run_id = create_run(store)
        store.update_run(run_id, status)
        found[status] = read_record(client, run_id, tmp_path).predictions
    assert found == {"FAILED": {}, "KILLED": {}, "FINISHED": None, "RUNNING": None}
    store.set_tag(run_id, "tg.not_uploaded", "the store is down")
    store.update_run(run_id, "FAILED")
    assert read_record(client, run_id, tmp_path).predictions is None


@pytest.mark.parametrize("text", ['{"dataset": "poi', "[1]", "NaN", "[" * 5000])
def test_what_is_damaged_counts_as_not_recorded(
    text: str, store: MlflowClient, client: TrackingClient, tmp_path: Path
) -> None:
    run_id = create_run(store, **{"tg.state": text})
    for name in ("environment.json", "task.json"):
        store.log_text(run_id, text, name)
    record = read_record(client, run_id, tmp_path)
    assert [record.config, record.place_options, record.environment, record.task] == [None] * 4


def test_a_damaged_package_is_an_error(store: MlflowClient, client: TrackingClient, tmp_path: Path) -> None:
    run_id = create_run(store)
    path = tmp_path / "Task-1.tar.gz"
    path.write_bytes(b"no archive")
    store.log_artifact(run_id, str(path), "package")
    with pytest.raises(ResultArchiveError, match=r"Task-1.tar.gz' is damaged|cannot be read|not a gzip"):
        read_record(client, run_id, tmp_path)
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("notes.txt"), io.BytesIO())
    store.log_artifact(run_id, str(path), "package")
    with pytest.raises(
        ResultArchiveError, match=r"'Task-1.tar.gz' is not a package of tg-mlflow: it has 0 properties.json"
    ):
        read_record(client, run_id, tmp_path)


def test_what_cannot_be_compared_is_refused(store: MlflowClient, client: TrackingClient, tmp_path: Path) -> None:
    with pytest.raises(RunNotOursError, match="is a sweep; give the id of one of its trainings' runs"):
        read_record(client, create_run(store, **{"tg.sweep": "{}"}), tmp_path)
    with pytest.raises(RunNotOursError, match="check the id and the tracking URI"):
        read_record(client, "0" * 32, tmp_path)
    deleted = create_run(store)
    store.delete_run(deleted)
    with pytest.raises(RunDeletedError, match="is deleted"):
        read_record(client, deleted, tmp_path)


def test_json_is_written_by_dotted_paths() -> None:
    given = {
        "a": {"b": [1, "x", {}]},
        "chosen": {"py/set": ["z", "y"]},
        "number": 0.5,
        "text": "0.5",
        "none": None,
        "empty": [],
    }
    assert flatten(given) == {
        "a.b.0": "1",
        "a.b.1": "x",
        "a.b.2": "{}",
        "chosen.py/set.0": "y",
        "chosen.py/set.1": "z",
        "number": "0.5",
        "text": '"0.5"',
        "none": "null",
        "empty": "[]",
    }
