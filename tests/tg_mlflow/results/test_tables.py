"""What a table of predictions holds."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient

from tg.common.delivery.sagemaker.archive.result_archive import ResultArchive, write_result_archive
from tg.common.ml.tables.json_table import number_repeated
from tg_mlflow.results.tables import build_result_table, log_result_table
from tg_mlflow.tracking.client import TrackingClient

FRAME = pd.DataFrame({"predicted": [0.25, 0.75], "true": [0.0, 1.0], "stage": ["test", "train"]})


def read_as_json(frame: pd.DataFrame) -> dict[str, list[Any]]:
    content = json.loads(build_result_table(frame).to_json(orient="split", date_format="iso"))
    return {name: [row[number] for row in content["data"]] for number, name in enumerate(content["columns"])}


def test_the_index_comes_first() -> None:
    assert list(build_result_table(FRAME)) == ["index", "predicted", "true", "stage"]
    assert list(build_result_table(FRAME.rename_axis("id"))) == ["id", "predicted", "true", "stage"]
    levels = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["kind", None])
    assert list(build_result_table(FRAME.set_index(levels)))[:2] == ["kind", "level_1"]


def test_an_index_that_is_called_as_a_column_is_has_a_number() -> None:
    table = build_result_table(FRAME.rename_axis("predicted"))
    assert table.to_dict(orient="list") == {
        "predicted_2": [0, 1],
        "predicted": [0.25, 0.75],
        "true": [0.0, 1.0],
        "stage": ["test", "train"],
    }


def test_columns_that_are_called_the_same_without_dots_have_numbers() -> None:
    table = build_result_table(FRAME.assign(**{"a.b": 1, "a/b": 2}))
    assert list(table)[-2:] == ["a/b", "a/b_2"]
    assert (list(table["a/b"]), list(table["a/b_2"])) == ([1, 1], [2, 2])


def test_values_that_json_does_not_hold_are_texts() -> None:
    given = {
        "bytes": [b"\xff", b"\x00"],
        "blobs": [[b"\xff"], [b"\x00"]],
        "period": pd.period_range("2020-01", periods=2, freq="M"),
        "interval": pd.interval_range(0, 2),
        "list": [[1, 2], [3]],
    }
    assert read_as_json(pd.DataFrame(given, index=pd.period_range("2020", periods=2, freq="Y"))) == {
        "index": ["2020", "2021"],
        "bytes": ["b'\\xff'", "b'\\x00'"],
        "blobs": ["[b'\\xff']", "[b'\\x00']"],
        "period": ["2020-01", "2020-02"],
        "interval": ["(0, 1]", "(1, 2]"],
        "list": [[1, 2], [3]],
    }


def test_names_are_numbered_until_they_are_free() -> None:
    assert number_repeated(["a", "a", "a_2", "A"]) == ["a", "a_2", "a_2_2", "A"]
    assert number_repeated(["a", "A"], str.casefold) == ["a", "A_2"]


def test_tables_are_noted_as_far_as_the_tag_has_room(store: MlflowClient) -> None:
    client = TrackingClient(store.tracking_uri)
    run_id = store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id
    store.set_tag(run_id, "mlflow.loggedArtifacts", "7")
    client.note_tables(run_id, ["a.json", "b.json"])
    client.note_tables(run_id, ["b.json", *(f"deep/table_{number:03}.json" for number in range(200))])
    noted = [each["path"] for each in json.loads(store.get_run(run_id).data.tags["mlflow.loggedArtifacts"])]
    assert noted == ["a.json", "b.json", *(f"deep/table_{number:03}.json" for number in range(98))]


def test_a_table_of_which_only_half_was_uploaded_is_replaced(tmp_path: Path, store: MlflowClient) -> None:
    content = tmp_path / "content"
    (content / "runs/0").mkdir(parents=True)
    FRAME.to_parquet(content / "runs/0/result_df.parquet")
    write_result_archive(content, tmp_path / "model.tar.gz")
    experiment = store.get_experiment_by_name("test").experiment_id
    run_id = store.create_run(experiment).info.run_id
    store.log_text(run_id, '{"columns":["ind', "tables/result_df.json")
    with ResultArchive(tmp_path / "model.tar.gz") as archive:
        for _ in range(2):
            log_result_table(TrackingClient(store.tracking_uri), store.get_run(run_id), archive)
    assert len(store.load_table(experiment, "tables/result_df.json", [run_id])) == 2
    assert json.loads(store.get_run(run_id).data.tags["mlflow.loggedArtifacts"]) == [
        {"path": "tables/result_df.json", "type": "table"}
    ]
