"""What is said of a dataset."""

import datetime
import hashlib
import json
import os
import time
from decimal import Decimal
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from mlflow import MlflowClient
from pyarrow import parquet

from tg.common.delivery.sagemaker.executor.stored_dataset import StoredDataset
from tg.common.errors import DatasetError
from tg_mlflow.results.artifacts import log_unchanged_input
from tg_mlflow.results.dataset import build_dataset, log_dataset
from tg_mlflow.results.dataset_file import digest_files, open_dataset
from tg_mlflow.tracking.client import TrackingClient


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "points.parquet"
    frame = pd.DataFrame({"x": [0.5, 1.5, None], "name": ["a", "b", "c"], "label": [0, 1, 1]}, index=[7, 8, 9])
    frame.to_parquet(file)
    return file


def columns(path: Path) -> list[tuple[str, str, bool]]:
    schema = build_dataset(path).schema
    return [(each["name"], each["type"], each["required"]) for each in json.loads(schema)["mlflow_colspec"]]


def test_a_run_has_the_dataset_as_its_input(path: Path, store: MlflowClient) -> None:
    run_id = store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id
    for _ in range(2):  # a launcher that was interrupted starts again
        log_dataset(TrackingClient(store.tracking_uri), run_id, path)
    (logged,) = store.get_run(run_id).inputs.dataset_inputs
    assert {tag.key: tag.value for tag in logged.tags} == {"mlflow.data.context": "training"}
    dataset = logged.dataset
    assert (dataset.name, dataset.digest) == ("points.parquet", hashlib.sha256(path.read_bytes()).hexdigest()[:32])
    assert json.loads(dataset.profile) == {"num_rows": 3, "num_elements": 9}
    assert columns(path) == [("x", "double", False), ("name", "string", True), ("label", "long", True)]
    source = mlflow.data.get_source(dataset)
    assert (dataset.source_type, source.load()) == ("local", str(path))


def test_a_dataset_that_has_changed_since_it_was_logged_is_no_second_input(path: Path, store: MlflowClient) -> None:
    run_id = store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id
    log_dataset(TrackingClient(store.tracking_uri), run_id, path)
    digest = digest_files(path)
    pd.DataFrame({"x": [1]}).to_parquet(path)
    log_dataset(TrackingClient(store.tracking_uri), run_id, path)
    assert [each.dataset.digest for each in store.get_run(run_id).inputs.dataset_inputs] == [digest]


def test_the_source_of_what_is_read_in_s3_is_there(path: Path, store: MlflowClient) -> None:
    run_id = store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id
    remote = StoredDataset("s3://ours/sagemaker/points/datasets/points.parquet", "0" * 32, 4711)
    log_dataset(TrackingClient(store.tracking_uri), run_id, path, remote)
    (logged,) = store.get_run(run_id).inputs.dataset_inputs
    assert logged.dataset.digest == digest_files(path)
    assert json.loads(logged.dataset.profile) == {"num_rows": 3, "num_elements": 9}
    assert mlflow.data.get_source(logged.dataset).uri == "s3://ours/sagemaker/points/datasets/points.parquet"


def test_of_what_is_in_s3_only_its_place_and_its_digest_are_known(store: MlflowClient) -> None:
    run_id = store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id
    for _ in range(2):
        log_dataset(
            TrackingClient(store.tracking_uri),
            run_id,
            None,
            StoredDataset("s3://ours/sagemaker/points/datasets/parts/", "12ab" * 8, 4711),
        )
    (logged,) = store.get_run(run_id).inputs.dataset_inputs
    dataset = logged.dataset
    assert (dataset.name, dataset.digest, dataset.source_type) == ("parts", "12ab" * 8, "s3")
    assert (dataset.schema, dataset.profile) == (None, None)
    gone = StoredDataset("s3://ours/gone.parquet", None, 0)
    with pytest.raises(DatasetError, match=r"^the dataset 's3://ours/gone.parquet' is not there any more"):
        log_dataset(TrackingClient(store.tracking_uri), run_id, None, gone)


def test_a_digest_is_made_anew_when_a_file_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "data" / "part.bin"
    file.parent.mkdir()
    file.write_bytes(b"one")
    one = digest_files(file.parent)
    assert digest_files(file.parent) == one
    file.write_bytes(b"two")
    os.utime(file, (1, 1))
    assert digest_files(file.parent) == hashlib.sha256(b"part.bin\x003\0two").hexdigest()[:32] != one


def test_types_are_mlflows(tmp_path: Path) -> None:
    table = pa.table(
        {
            "flag": pa.array([True]),
            "small": pa.array([1], pa.int8()),
            "unsigned": pa.array([1], pa.uint32()),
            "half": pa.array([1.0], pa.float32()),
            "day": pa.array([datetime.date(2020, 1, 1)]),
            "time": pa.array([0], pa.timestamp("us", "UTC")),
            "bytes": pa.array([b"x"]),
            "digest": pa.array([b"xy"], pa.binary(2)),
            "vector": pa.array([[1.0, 2.0]], pa.list_(pa.float32(), 2)),
            "category": pa.array(["a"]).dictionary_encode(),
            "other": pa.array([{"a": 1}]),
            "money": pa.array([Decimal("1.10")]),
            "clock": pa.array([datetime.time(12, 30)]),
            "span": pa.array([datetime.timedelta(1)]),
            "void": pa.nulls(1),
            "view": pa.array(["x"], pa.large_string()),
            "wide": pa.array([2**64 - 1], pa.uint64()),
            "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        }
    )
    parquet.write_table(table, tmp_path / "types.parquet")
    types = [(name, kind) for name, kind, _ in columns(tmp_path / "types.parquet")]
    assert types == [
        ("flag", "boolean"),
        ("small", "integer"),
        ("unsigned", "long"),
        ("half", "float"),
        ("day", "datetime"),
        ("time", "datetime"),
        ("bytes", "binary"),
        ("digest", "binary"),
        ("vector", "array"),
        ("category", "string"),
        ("other", "string"),
        ("money", "double"),
        ("clock", "double"),
        ("span", "string"),
        ("void", "double"),
        ("view", "string"),
        ("wide", "long"),
        ("map", "string"),
    ]


def test_a_folder_is_one_dataset(tmp_path: Path, path: Path) -> None:
    folder = tmp_path / "parts"
    pd.DataFrame({"x": [1, 2], "year": [2001, 2002]}).to_parquet(folder, partition_cols=["year"])
    dataset = build_dataset(folder)
    assert dataset.name == "parts"
    assert json.loads(dataset.profile)["num_rows"] == 2
    assert [name for name, _, _ in columns(folder)] == ["x", "year"]
    before = digest_files(folder)
    next(folder.rglob("*.parquet")).rename(folder / "renamed.parquet")
    assert digest_files(folder) != before


def test_folders_of_partitions_are_categories_as_in_pandas(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    frame = pd.DataFrame({"x": range(6), "year": [2001, 2002] * 3, "kind": list("abcabc")})
    frame.to_parquet(folder, partition_cols=["year", "kind"])
    opened = open_dataset(folder)
    assert opened is not None
    assert opened.read_first(5).dtypes.to_dict() == pd.read_parquet(folder).dtypes.to_dict()
    assert columns(folder) == [("x", "long", True), ("year", "integer", True), ("kind", "string", True)]


def test_a_column_may_have_a_dot_in_its_name(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a.b": [1, None], "a": [1, 2], "c": [{"d": 1}, None]})
    frame.to_parquet(tmp_path / "dots.parquet")
    expected = [("a.b", "double", False), ("a", "long", True), ("c", "string", False)]
    assert columns(tmp_path / "dots.parquet") == expected


def test_a_column_may_be_called_as_an_index_without_a_name_is(tmp_path: Path) -> None:
    frame = pd.DataFrame({"__index_level_0__": [1, 2], "x": [0.5, 1.5]})
    frame.to_parquet(tmp_path / "column.parquet")
    frame.set_index(pd.Index(["a", "b"])).drop(columns="__index_level_0__").to_parquet(tmp_path / "index.parquet")
    assert columns(tmp_path / "column.parquet") == [("__index_level_0__", "long", True), ("x", "double", True)]
    assert columns(tmp_path / "index.parquet") == [("x", "double", True)]


def test_a_column_that_a_file_of_a_folder_lacks_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    pd.DataFrame({"x": [1, 2], "late": [1, 2]}).to_parquet(tmp_path / "parts/1.parquet")
    pd.DataFrame({"x": [3, 4]}).to_parquet(tmp_path / "parts/2.parquet")
    assert columns(tmp_path / "parts") == [("x", "long", True), ("late", "long", False)]
    opened = open_dataset(tmp_path / "parts")
    assert opened is not None
    assert opened.read_first(2).dtypes.astype(str).to_dict() == {"x": "int64", "late": "float64"}


def test_of_more_columns_than_a_server_takes_there_is_no_schema(tmp_path: Path, store: MlflowClient) -> None:
    names = [f"a column with a long name {number:05}" for number in range(15_000)]
    parquet.write_table(pa.table([pa.array([1.0])] * len(names), names=names), tmp_path / "wide.parquet")
    run_id = store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id
    log_dataset(TrackingClient(store.tracking_uri), run_id, tmp_path / "wide.parquet")
    (logged,) = store.get_run(run_id).inputs.dataset_inputs
    assert logged.dataset.schema is None
    assert json.loads(logged.dataset.profile) == {"num_rows": 1, "num_elements": 15_000}


@pytest.mark.parametrize(("name", "content"), [("points.txt", "x,y\n1,2\n"), ("points.csv", "x,y\n1\n")])
def test_what_is_no_table_has_a_digest_and_no_schema(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    dataset = build_dataset(tmp_path / name)
    assert (dataset.name, dataset.schema, dataset.profile) == (name, None, None)
    assert dataset.digest == hashlib.sha256(content.encode()).hexdigest()[:32]


def test_a_folder_of_csv_files_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "points").mkdir()
    (tmp_path / "points/1.csv").write_text("day,x,kind\n2024-01-01,,a\n2024-01-02,,b\n")
    (tmp_path / "points/2.csv").write_text("day,x,kind\n2024-01-03,1.5,7\n")
    assert columns(tmp_path / "points") == [("day", "datetime", True), ("x", "double", False), ("kind", "string", True)]
    assert json.loads(build_dataset(tmp_path / "points").profile) == {"num_rows": 3, "num_elements": 9}
    opened = open_dataset(tmp_path / "points")
    assert opened is not None
    assert opened.read_first(3)["kind"].tolist() == ["a", "b", "7"]


def test_the_first_rows_have_the_types_of_the_whole_table(tmp_path: Path) -> None:
    file = tmp_path / "late.parquet"
    numbers = pa.array([1, 2, 3, 4, 5, 6, None], pa.int64())
    parquet.write_table(pa.table({"late": numbers, "never": pa.array(range(7), pa.int64())}), file)
    opened = open_dataset(file)
    assert opened is not None
    first = opened.read_first(5)
    assert len(first) == 5
    assert dict(first.dtypes) == dict(pd.read_parquet(file).dtypes)


def test_a_long_table_is_not_passed_by_in_small_pieces(tmp_path: Path) -> None:
    pd.DataFrame({"x": range(500_000)}).to_parquet(tmp_path / "long.parquet")
    opened = open_dataset(tmp_path / "long.parquet")
    assert opened is not None
    start = time.thread_time()
    assert list(opened.read_first(5)["x"]) == [0, 1, 2, 3, 4]
    assert time.thread_time() - start < 0.5


READ_BYTES = Path("/proc/self/io")


@pytest.mark.skipif(not READ_BYTES.exists(), reason="only Linux counts what a process reads")
def test_the_first_rows_are_read_without_those_behind_them(tmp_path: Path) -> None:
    file = tmp_path / "large.parquet"
    numbers = pa.array(np.random.default_rng(0).random(400_000))
    table = pa.table({f"c{column}": numbers for column in range(20)})
    parquet.write_table(table, file, row_group_size=2_000, use_dictionary=False, compression="none")
    opened = open_dataset(file)
    assert opened is not None
    before = count_read_bytes()
    assert opened.read_first(5).shape == (5, 20)
    assert count_read_bytes() - before < file.stat().st_size / 20


def count_read_bytes() -> int:
    return int(READ_BYTES.read_text().split()[1])


def test_the_first_rows_may_be_in_several_files(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for number in range(4):
        pd.DataFrame({"x": [2 * number, 2 * number + 1]}).to_parquet(tmp_path / f"parts/{number}.parquet")
    opened = open_dataset(tmp_path / "parts")
    assert opened is not None
    assert list(opened.read_first(5)["x"]) == [0, 1, 2, 3, 4]
    assert len(opened.read_first(20)) == 8


def test_a_name_that_is_not_utf_8_has_a_digest(tmp_path: Path) -> None:
    (tmp_path / "x\udcff.csv").write_text("a\n1\n", encoding="utf-8")
    expected = hashlib.sha256(b"x\xff.csv\x004\x00a\n1\n").hexdigest()[:32]
    assert digest_files(tmp_path) == expected
    assert open_dataset(tmp_path) is None


def test_what_was_changed_after_a_training_had_begun_is_not_its_dataset(path: Path, store: MlflowClient) -> None:
    client = TrackingClient(store.tracking_uri)
    run_id = store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id
    written_ms = path.stat().st_mtime_ns // 1_000_000
    log_unchanged_input(client, run_id, path, written_ms - 1)
    assert store.get_run(run_id).inputs.dataset_inputs == []
    log_unchanged_input(client, run_id, path, written_ms + 1)
    (logged,) = store.get_run(run_id).inputs.dataset_inputs
    assert logged.dataset.digest == digest_files(path)
