"""What is said of a model's columns and answers, and what MLflow lets through by it."""

import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from mlflow.models import Model
from mlflow.models.utils import _enforce_schema
from mlflow.pyfunc.scoring_server import infer_and_parse_data
from pyarrow import parquet

from tg.common.ml.single_frame_training import (
    DataFrameLoader,
    Evaluation,
    InputColumns,
    ModelConstructor,
    ModelProvider,
    SingleFrameTrainingTask,
)
from tg_mlflow.results.model_example import Sample, build_example, build_signature, find_columns, read_sample
from tg_mlflow.results.model_json import as_json_records

NOON = datetime.datetime(2020, 1, 1, 12)
# By name: values, dtype, MLflow's type, whether it is required.
COLUMNS: dict[str, tuple[list[Any], str, str, bool]] = {
    "number": ([0.5, 1.5], "float64", "double", True),
    "gap": ([0.5, None], "float64", "any", False),
    "whole": ([1.0, 2.0], "float64", "any", True),
    "small": ([0.1, 0.2], "float32", "any", True),
    "count": ([1, 2**62], "int64", "any", True),
    "flag": ([True, False], "bool", "any", True),
    "time": ([NOON, None], "datetime64[us]", "any", False),
    "far": ([datetime.datetime(9999, 12, 31), NOON], "datetime64[s]", "any", True),
    "text": (["a", "b"], "str", "string", True),
    "words": (["a", None], "str", "any", False),
    "category": (["a", None], "category", "any", False),
    "numbers": ([5, 1], "category", "any", True),
    "nullable": ([2**60, None], "Int64", "any", False),
    "maybe": ([True, None], "object", "any", False),
    "zoned": ([NOON, None], "datetime64[us, Europe/Berlin]", "any", False),
    "duration": ([1, 2], "timedelta64[s]", "any", True),
    "arrow": ([1, None], "int64[pyarrow]", "any", False),
}


def make_features(*names: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(COLUMNS[name][0], dtype=COLUMNS[name][1]) for name in names or COLUMNS})


class Trained:
    """What the model's first step is like."""

    def __init__(self, features: pd.DataFrame) -> None:
        self.columns = InputColumns().fit(features)
        self.steps = [("columns", self.columns)]


def describe(given: pd.DataFrame, features: pd.DataFrame, predictions: Any = (0.5, 0.5)) -> Any:
    return build_signature(find_columns(Trained(features), features), Sample(given, features), np.asarray(predictions))


def test_a_signature_has_mlflows_types_where_they_let_everything_through() -> None:
    signature = describe(make_features(), make_features())
    assert [(each["name"], each["type"], each["required"]) for each in signature.inputs.to_dict()] == [
        (name, kind, required) for name, (_, _, kind, required) in COLUMNS.items()
    ]
    assert signature.params.to_dict() == [
        {"name": "predict_method", "type": "string", "default": "predict", "shape": None}
    ]


@pytest.mark.parametrize(
    ("given", "features"),
    [
        (pd.Series([Decimal("0.5"), Decimal("1.5")]), pd.Series([0.5, 1.5])),
        (pd.Series(["a", "b"], dtype="category"), pd.Series(["a", "b"])),
        (pd.Series([datetime.date(2020, 1, 1)] * 2), pd.Series([NOON] * 2)),
    ],
)
def test_what_the_loader_changes_is_any(given: "pd.Series[Any]", features: "pd.Series[Any]") -> None:
    signature = describe(given.to_frame("x"), features.to_frame("x"))
    assert [each["type"] for each in signature.inputs.to_dict()] == ["any"]


def test_what_is_of_another_type_in_another_file_is_any(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    pd.DataFrame({"x": [1, 2], "z": [0.5, 1.5], "y": [0, 1]}).to_parquet(tmp_path / "parts/1.parquet")
    pd.DataFrame({"x": [0.5, 2], "z": [0.5, 1.5], "y": [0, 1]}).to_parquet(tmp_path / "parts/2.parquet")
    task = make_task()
    sample = read_sample(task, tmp_path / "parts")
    signature = build_signature(find_columns(None, sample.features), sample, np.asarray([0, 1, 0, 1]))
    assert {each["name"]: each["type"] for each in signature.inputs.to_dict()} == {"x": "any", "z": "double"}


def test_what_pandas_does_not_read_is_given_as_the_loader_does(tmp_path: Path) -> None:
    times = pa.array([1_000_000_001, 2_500_000_000], pa.time64("ns"))
    parquet.write_table(pa.table({"x": times, "y": [0, 1]}), tmp_path / "times.parquet")
    sample = read_sample(make_task(), tmp_path / "times.parquet")
    assert sample.given["x"].tolist() == sample.features["x"].tolist() == [1.0, 2.5]


def make_task() -> SingleFrameTrainingTask:
    return SingleFrameTrainingTask(
        DataFrameLoader("y"), ModelProvider(ModelConstructor("sklearn.linear_model:Ridge")), Evaluation.regression
    )


@pytest.mark.parametrize("name", COLUMNS)
def test_mlflow_lets_the_trainings_rows_through_unchanged(name: str) -> None:
    features = make_features(name)
    schema = describe(features, features).inputs
    columns = Trained(features).columns
    received = [features, *(infer_and_parse_data(each, schema) for each in make_requests(features))]
    for each in received:
        found = columns.transform(_enforce_schema(each, schema))
        if name == "maybe":
            assert [None if pd.isna(value) else value for value in found[name]] == [True, None]
        else:
            pd.testing.assert_frame_equal(found, features, check_exact=True)


def make_requests(features: pd.DataFrame) -> list[dict[str, Any]]:
    records = as_json_records(features)
    split = {"columns": list(features), "data": [list(row.values()) for row in records]}
    requests = [{"dataframe_records": records}, {"dataframe_split": split}, {"inputs": records}, {"instances": records}]
    return [json.loads(json.dumps(each)) for each in requests]


@pytest.mark.parametrize("name", COLUMNS)
def test_an_example_can_be_given_to_the_model_again(name: str, tmp_path: Path) -> None:
    features = make_features(name)
    signature, example = describe(features, features), build_example(Sample(features, features))
    (tmp_path / "code.py").write_text("")
    mlflow.pyfunc.save_model(
        tmp_path / "model",
        loader_module="code",
        code_paths=[str(tmp_path / "code.py")],
        signature=signature,
        input_example=example,
        pip_requirements=[],
    )
    description = Model.load(str(tmp_path / "model"))
    loaded = description.load_input_example(str(tmp_path / "model"))
    found = Trained(features).columns.transform(_enforce_schema(loaded, signature.inputs))
    if name == "maybe":
        assert [None if pd.isna(value) else value for value in found[name]] == [True, None]
    else:
        pd.testing.assert_frame_equal(found, features, check_exact=True)


@pytest.mark.parametrize("name", [7, ("a", "b")])
def test_there_is_no_signature_of_columns_whose_names_are_no_texts(name: Any) -> None:
    features = pd.DataFrame({"x": [1.0, 2.0], name: [2.0, 3.0]})
    with pytest.raises(ValueError, match="has a name that is not text"):
        describe(features, features)


def test_there_is_no_signature_of_a_column_whose_name_is_empty() -> None:
    features = pd.DataFrame({"x": [1.0, 2.0], "": [2.0, 3.0]})
    with pytest.raises(ValueError, match="column '' has a name that is empty"):
        describe(features, features)


@pytest.mark.parametrize(
    ("predictions", "expected"),
    [
        ([1, 0], "tensor"),
        (["yes", "no"], "tensor"),
        ([[0.5, 1.0], [0.5, 1.0]], "tensor"),
    ],
)
def test_whatever_is_predicted_can_be_described(predictions: Any, expected: str) -> None:
    features = make_features("number")
    assert describe(features, features, predictions).outputs.to_dict()[0]["type"] == expected


def test_whole_numbers_give_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    describe(make_features("count"), make_features("count"))
    assert [each for each in recwarn if "integer column" in str(each.message)] == []


def test_there_is_no_example_of_what_json_does_not_hold() -> None:
    features = pd.DataFrame({"x": [b"a"]})
    assert build_example(Sample(features, features)) is None
