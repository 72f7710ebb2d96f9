import math
from typing import Any

import pytest

from tg_mlflow.project.arguments.literals import UNDECODED, WrittenText, decode, is_bracketed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1.50", -1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("True", True),
        ("null", None),
        ("None", None),
        ("inf", math.inf),
        ("-inf", -math.inf),
        ('"a"', "a"),
        ("'a'", "a"),
        ("[1, 2]", [1, 2]),
        ("(1, 'a', None)", (1, "a", None)),
        ("{0: 1.0}", {0: 1.0}),
        ('{"a": [true]}', {"a": [True]}),
        (" {1, 2} ", {1, 2}),
    ],
)
def test_json_and_literals_are_decoded(text: str, value: Any) -> None:
    decoded = decode(WrittenText(text))
    assert (decoded, type(decoded)) == (value, type(value))


@pytest.mark.parametrize(
    "text", ["001", "1_000", "0x10", "1j", "b'a'", "adam", "", "[1, 2", "[a, b]", "f(1)", "1 + 1", "[" * 10_000]
)
def test_anything_else_is_a_text(text: str) -> None:
    assert decode(WrittenText(text)) is UNDECODED


def test_nan_is_a_number() -> None:
    assert math.isnan(decode(WrittenText("nan")))


def test_what_has_been_decoded_is_not_decoded_again() -> None:
    assert decode("1") == "1"
    assert decode([WrittenText("1")]) == ["1"]


def test_a_key_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^the key 'a' is there twice$"):
        decode(WrittenText('{"b": {"a": 1, "a": 2}}'))


@pytest.mark.parametrize("text", ["[1]", " {} ", "(", "[1)", "x", "[", "()"])
def test_what_stands_in_brackets(text: str) -> None:
    assert is_bracketed(WrittenText(text)) is (text in ("[1]", " {} ", "()"))


def test_a_text_within_json_is_not_in_brackets() -> None:
    assert not is_bracketed("[1]")
