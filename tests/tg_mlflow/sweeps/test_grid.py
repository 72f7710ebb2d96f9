"""The words of a sweep's command."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg_mlflow.errors import BackendConfigError
from tg_mlflow.sweeps.grid import parse_grid


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("x=0.1,1", [0.1, 1]),
        ("x=1e-05,-3", [1e-05, -3]),
        ("x=adam,sgd", ["adam", "sgd"]),
        ("x=[10],[10,5]", [[10], [10, 5]]),
        ("x=[[1,2],[3]],[]", [[[1, 2], [3]], []]),
        ("x=[0.1,1]", [[0.1, 1]]),
        ("x=true,null,False", [True, None, "False"]),
        ('x="a,b","1",1', ["a,b", "1", 1]),
        ('x="a\\",b",c', ['a",b', "c"]),
        ('x={"a": [1, 2], "b": 3},0', [{"a": [1, 2], "b": 3}, 0]),
        ('x=["],["],2', [["],["], 2]),
        ("x=s3://b/a=b,c d", ["s3://b/a=b", "c d"]),
        ("x= 1 , 2 ", [1, 2]),
        ("model_provider.constructor.kwargs.C=1,10", [1, 10]),
    ],
)
def test_values_are_json_where_they_are_json(word: str, values: list[Any]) -> None:
    (name,) = parse_grid([word])
    assert word.startswith(name)
    assert parse_grid([word])[name] == values
    assert [type(each) for each in parse_grid([word])[name]] == [type(each) for each in values]


def test_several_words_keep_their_order() -> None:
    assert list(parse_grid(["b=1,2", "a=3"]).items()) == [("b", [1, 2]), ("a", [3])]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x"], "'x' is not of the form name=value,value; such as learning_rate=0.1,1"),
        (["=1"], "'=1' is not of the form name=value,value; such as learning_rate=0.1,1"),
        (["x=1", "x=2,3"], "'x' is swept twice; give all values at once"),
        (["x=1,,2"], "'x=1,,2' has an empty value; remove a comma, or write an empty text as \"\""),
        (["x="], "'x=' has an empty value; remove a comma, or write an empty text as \"\""),
        (["x=[1,2"], "'[1,2' does not close ]; quote the word"),
        (['x="a,b'], "'\"a,b' does not close \"; quote the word"),
    ],
)
def test_other_words_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(BackendConfigError) as caught:
        parse_grid(words)
    assert str(caught.value) == message


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(st.lists(values, min_size=1))
def test_whatever_is_written_as_json_is_read_again(given_values: list[Any]) -> None:
    word = "x=" + ",".join(json.dumps(each) for each in given_values)
    assert parse_grid([word])["x"] == given_values
