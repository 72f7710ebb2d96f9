"""What is said of a model's columns and answers."""

import datetime
from typing import Any

import pandas as pd
import pytest

from tg_mlflow.result_model_example import build_plain_example, build_signature

COLUMNS = {
    "number": ([0.5, None], "float64", "double"),
    "count": ([1, 2], "int64", "long"),
    "flag": ([True, False], "bool", "boolean"),
    "day": ([datetime.datetime(2020, 1, 1), None], "datetime64[us]", "datetime"),
    "text": (["a", None], "str", "string"),
    "objects": (["a", None], "object", "string"),
    "category": (["a", None], "category", "any"),
    "nullable": ([1, None], "Int64", "any"),
    "maybe": ([True, None], "object", "any"),
    "zoned": ([datetime.datetime(2020, 1, 1), None], "datetime64[us, UTC]", "any"),
    "duration": ([1, 2], "timedelta64[s]", "any"),
}


class Model:
    def predict(self, data: pd.DataFrame) -> Any:
        return [0.5] * len(data)


def make_example(*names: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(COLUMNS[name][0], dtype=COLUMNS[name][1]) for name in names})


def test_a_signature_has_mlflows_types_where_they_hold_the_values() -> None:
    signature = build_signature(make_example(*COLUMNS), Model())
    assert [(each["name"], each["type"]) for each in signature.inputs.to_dict()] == [
        (name, kind) for name, (_, _, kind) in COLUMNS.items()
    ]
    assert signature.params.to_dict() == [
        {"name": "predict_method", "type": "string", "default": "predict", "shape": None}
    ]


@pytest.mark.parametrize("name", [7, ("a", "b")])
def test_there_is_no_signature_of_columns_whose_names_are_no_texts(name: Any) -> None:
    example = pd.DataFrame({"x": [1.0], name: [2.0]})
    with pytest.raises(ValueError, match="has a name that is no text"):
        build_signature(example, Model())


def test_whole_numbers_give_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    build_signature(make_example("count"), Model())
    assert [each for each in recwarn if "integer column" in str(each.message)] == []


def test_an_example_has_plain_values_for_categories() -> None:
    example = build_plain_example(make_example("number", "category"))
    assert example is not None
    assert example["category"].iloc[0] == "a"
    assert not isinstance(example["category"].dtype, pd.CategoricalDtype)


@pytest.mark.parametrize("name", ["zoned", "duration"])
def test_there_is_no_example_of_what_json_does_not_hold(name: str) -> None:
    assert build_plain_example(make_example("number", name)) is None
