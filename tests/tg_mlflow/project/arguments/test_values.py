import collections
import dataclasses
import datetime
import decimal
import fractions
import json
import math
import numbers
import operator
import os
import re
import typing
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, IntEnum
from functools import reduce
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, TypedDict, TypeVar

import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg_mlflow.project.arguments.values import read_value

UTC = datetime.timezone.utc


class Colour(Enum):
    RED = "red"
    BLUE = "RED"  # the value of one is the name of another
    DARK = 3


class Size(IntEnum):
    S = 1


class Point(TypedDict):
    x: int
    y: "str | float"


@dataclasses.dataclass
class Layer:
    size: int
    rate: "float | None" = None


class Partial(TypedDict, total=False):
    a: int
    b: int


@dataclasses.dataclass
class Deep:
    layer: Layer
    scale: "str | float" = "auto"
    part: "Unknown | None" = None  # which pydantic does not know


class Net(pydantic.BaseModel):
    layers: list[Layer]
    seed: int = 0


class Pair(typing.NamedTuple):
    low: int
    high: float


class Unknown:
    pass


Days = NewType("Days", int)
Number = TypeVar("Number", int, float)


def check(text: str, wanted: Any, expected: Any) -> None:
    value = read_value(text, wanted)
    assert value == expected or (value != value and expected != expected)
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("0.5", str | float, 0.5),
        ("sqrt", str | float, "sqrt"),
        ("1", str | float, 1.0),
        ("1e-3", str | float, 0.001),
        ("nan", str | float, math.nan),
        ("1.2.3", str | float, "1.2.3"),
        ('"0.5"', str | float, "0.5"),
        ("true", str | float, "true"),
        ("", str | float, ""),
        ("null", str | float, "null"),
        ("3", int | str, 3),
        ("-3", int | str, -3),
        ("001", int | str, "001"),
        ("1_000", int | str, "1_000"),
        ("0x10", int | str, "0x10"),
        ("1.0", int | str, "1.0"),
        ("0.5", int | str, "0.5"),
        ("True", int | str, "True"),
        ("001", int | Path, Path("001")),
        ("1", int | float, 1),
        ("1.0", int | float, 1.0),
        ("1e3", int | float, 1000.0),
        ("001", int | float, 1),
        ("inf", int | float, math.inf),
        ("1e3", int | None, 1000),
        ("1", bool | int, 1),
        ("true", bool | int, True),
        ("1", bool | float, 1.0),
        ("yes", bool | int, True),
        ("1", bool | None, True),
        ("yes", bool | str, "yes"),
        ("False", bool | str, False),
        ("1", bool | str, "1"),
        ("auto", bool | Literal["auto"], "auto"),
        ("auto", Literal["auto"] | float | int, "auto"),
        ("2", Literal["auto"] | float | int, 2),
        ('{"0": 1.0, "1": 2.5}', dict[int, float] | str | None, {0: 1.0, 1: 2.5}),
        ("{0: 1.0, 1: 2.5}", dict[int, float] | str | None, {0: 1.0, 1: 2.5}),
        ("balanced", dict[int, float] | str | None, "balanced"),
        ("None", dict[int, float] | str | None, None),
        ("null", dict[int, float] | str | None, None),
        ("", dict[int, float] | str | None, None),
        ('"None"', dict[int, float] | str | None, "None"),
        ('["a", "b"]', list[str] | str, ["a", "b"]),
        ("('a', 'b')", list[str] | str, ["a", "b"]),
        ("a", list[str] | str, "a"),
        ('"[a-z]"', list[str] | str, "[a-z]"),
        ("[1, 2]", str | float, "[1, 2]"),
        ("[1, 2]", list[float] | list[int], [1, 2]),
        ("[1, 2.5]", list[float] | list[int], [1, 2.5]),
        ('["a"]', list[int] | list[str], ["a"]),
        ("[1, null]", list[float | None], [1.0, None]),
        ('{"a": null, "b": 1}', dict[str, float | None], {"a": None, "b": 1.0}),
        ('["sqrt", 0.5]', list[str | float], ["sqrt", 0.5]),
        ('["0.5"]', list[str | float], ["0.5"]),
        ('"quoted"', str | None, '"quoted"'),
        ("red", Colour | str, Colour.RED),
        ("DARK", str | Colour, Colour.DARK),
        ("green", str | Colour, "green"),
        ("1", Size | int, Size.S),
        ("2", Size | int, 2),
        ("2024-01-31", datetime.date | str, datetime.date(2024, 1, 31)),
        ("20240131", datetime.date | str, "20240131"),
        ("soon", str | datetime.date, "soon"),
        ("a/b", Path | None, Path("a/b")),
        ("a/b", str | os.PathLike[str], Path("a/b")),
        ("2024-01-31", datetime.date | datetime.datetime, datetime.date(2024, 1, 31)),
        ("2024-01-31T00:00", datetime.date | datetime.datetime, datetime.datetime(2024, 1, 31)),
        ("12:30", datetime.timedelta | datetime.time, datetime.time(12, 30)),
        ("PT1H", datetime.timedelta | datetime.time, datetime.timedelta(hours=1)),
        ("2024-01-31", pd.Timestamp | float, pd.Timestamp("2024-01-31")),
        ("0.5", pd.Timestamp | float, 0.5),
        ("0.5", numbers.Real | str, 0.5),
        ("sqrt", numbers.Real | str, "sqrt"),
        ("0.10", decimal.Decimal | str, decimal.Decimal("0.10")),
        ("x", Unknown | int, "x"),
        ("7", Unknown | int, 7),
        ("x", Callable[[int], int] | str, "x"),
        ('{"size": 3}', Layer | str, Layer(3)),
        ("small", Layer | str, "small"),
        ('{"x": 1, "y": "a"}', Point | int, {"x": 1, "y": "a"}),
        ("5", Net | int, 5),
    ],
)
def test_a_union_takes_the_most_specific_member_in_whatever_order(text: str, wanted: Any, expected: Any) -> None:
    check(text, wanted, expected)
    if typing.get_origin(wanted) not in (list, dict):
        check(text, reduce(operator.or_, reversed(typing.get_args(wanted))), expected)


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("a", Literal["a", "b"], "a"),
        ("1", Literal[1, 2], 1),
        ("1", Literal["1", "2"], "1"),
        ("1", Literal["1", 1], 1),
        ('"1"', Literal["1", 1], "1"),
        ("l1", Literal[1, "l1"], "l1"),
        ("true", Literal[True, "auto"], True),
        ("None", Literal["a", None], None),
        ("RED", Literal[Colour.RED], Colour.RED),
        ("red", Literal["red"] | None, "red"),
        ("red", Colour, Colour.RED),
        ("RED", Colour, Colour.BLUE),
        ("3", Colour, Colour.DARK),
        ("DARK", Colour, Colour.DARK),
        ("S", Size, Size.S),
        ('["red", "DARK"]', list[Colour], [Colour.RED, Colour.DARK]),
        ('{"DARK": 1}', dict[Colour, int], {Colour.DARK: 1}),
        ("2024-01-31T12:00:00Z", datetime.datetime, datetime.datetime(2024, 1, 31, 12, tzinfo=UTC)),
        ("2024-01-31", datetime.datetime, datetime.datetime(2024, 1, 31)),
        ("12:30", datetime.time, datetime.time(12, 30)),
        ("PT90S", datetime.timedelta, datetime.timedelta(seconds=90)),
        ("P1DT1H", datetime.timedelta, datetime.timedelta(days=1, hours=1)),
        ('["2024-01-31"]', list[datetime.date], [datetime.date(2024, 1, 31)]),
        ("2024-01-31", pd.Timestamp, pd.Timestamp("2024-01-31")),
        ("[1, 2]", tuple[int, float], (1, 2.0)),
        ("(1, 2)", tuple[int, ...], (1, 2)),
        ("[]", tuple[()], ()),
        ("[1, 'a']", tuple, (1, "a")),
        ("[1, 1, 2]", set[int], {1, 2}),
        ("{1, 2}", frozenset[int], frozenset({1, 2})),
        ("[1, 2]", Sequence[int], [1, 2]),
        ("[1]", Iterable[float], [1.0]),
        ('{"1": [1, 2]}', Mapping[int, tuple[int, int]], {1: (1, 2)}),
        ("{(0, 1): 2}", dict[tuple[int, int], int], {(0, 1): 2}),
        ('{"true": 1}', dict[bool, int], {True: 1}),
        ('{"0.5": "a"}', dict[float, str], {0.5: "a"}),
        ('{"a": {"0": [1]}}', dict[str, dict[int, list[float]]], {"a": {0: [1.0]}}),
        ("[1, 2]", collections.deque[int], collections.deque([1, 2])),
        ("[1, 2]", list, [1, 2]),
        ("{'a': None}", dict, {"a": None}),
        ("5", Days, Days(5)),
        ("5", Annotated[int, "days"], 5),
        ("0.5", Annotated[str | float, pydantic.Field(description="share")], 0.5),
        ("1,2", Annotated[list[int], pydantic.BeforeValidator(lambda text: text.split(","))], [1, 2]),
        ("7", Number, 7),
        ("0.5", Number, 0.5),
        ("text", Any, "text"),
        ("5", object, "5"),
        ("5", Unknown, "5"),
        ("5", np.int64, np.int64(5)),
        ("0.5", np.float32, np.float32(0.5)),
        ("true", np.bool_, np.bool_(True)),
        ("0.1", decimal.Decimal, decimal.Decimal("0.1")),
        ("3", numbers.Number, 3),
        ("0.5", numbers.Real, 0.5),
        ("3.0", numbers.Integral, 3),
        ("0.5", typing.SupportsFloat, 0.5),
        ("a b", bytearray, bytearray(b"a b")),
        ("1GB", pydantic.ByteSize, pydantic.ByteSize(10**9)),
        ("1/3", fractions.Fraction, fractions.Fraction(1, 3)),
        ("1+2j", complex, 1 + 2j),
        ("a b", bytes, b"a b"),
        ("12345678123456781234567812345678", uuid.UUID, uuid.UUID("12345678123456781234567812345678")),
        ('{"size": "3", "rate": 0.5}', Layer, Layer(3, 0.5)),
        ('{"layers": [{"size": 3}]}', Net, Net(layers=[Layer(3)])),
        ('{"size": 3, "rate": null}', Layer, Layer(3)),
        ('{"x": "1", "y": 0.5}', Point, {"x": 1, "y": 0.5}),
        ('{"a": 1}', Partial, {"a": 1}),
        ('{"layer": {"size": 3}, "scale": 0.5, "part": null}', Deep, Deep(Layer(3), 0.5)),
        ("{'layers': [], 'seed': 1}", Net, Net(layers=[], seed=1)),
        ("[1, 2]", Pair, Pair(1, 2.0)),
        ("None", type(None), None),
        ("null", Path, Path("null")),
        ('"x"', str, '"x"'),
    ],
)
def test_a_text_is_read_as_its_type(text: str, wanted: Any, expected: Any) -> None:
    check(text, wanted, expected)


@pytest.mark.parametrize(
    ("text", "wanted", "reason"),
    [
        ("1.5", int, "'1.5' is not a whole number"),
        ("true", int, "'true' is not a whole number"),
        ("[true]", list[int], "True is not a whole number"),
        ("[0.5]", list[int], "0.5 is not a whole number"),
        ("2", bool, "write true or false"),
        ("[1]", list[str], "1 is not text; put it in quotes"),
        ("c", Literal["a", 1], "choose from 'a', 1"),
        ("1.0", Literal[1], "choose from 1"),
        ("green", Colour, "choose from 'RED', 'BLUE', 'DARK'"),
        ("true", Size, "choose from 'S'"),
        ("20240131", datetime.date, "write it in ISO 8601, such as 2024-01-31"),
        ("1700000000", datetime.datetime, "write it in ISO 8601"),
        ("[1, 2, 3]", tuple[int, int], "it has 3 items, not 2"),
        ("a,b", list[str], "write a list as JSON"),
        ("[a, b]", list[str] | str, "write a list as JSON"),
        ('{"0": "high"}', dict[int, float] | str | None, "'high' is not a number"),
        ("{0: 1.0", dict[int, float], "write a dictionary as JSON"),
        ('{"0": 1, "00": 2}', dict[int, int], "the key 0 is there twice"),
        ("{1, 2}", list[int], "write a list as JSON"),
        ("[[1]]", set[list[int]], "unhashable type: 'list'"),
        ("x", int | float, "'x' is not a whole number; 'x' is not a number"),
        ("90", datetime.timedelta, "write it in ISO 8601, such as PT90S, or as 00:01:30; a number has no unit"),
        ("x", Callable, "no text is a function or a class"),
        ("x", Callable[[int], int], "no text is a function or a class"),
        ("int", type[int], "no text is a function or a class"),
        ('{"size": "x"}', Layer, "size: 'x' is not a whole number"),
        ('{"sise": 3}', Layer, "it has no 'sise'; did you mean 'size'?"),
        ('{"rate": 3}', Layer, "it lacks 'size'"),
        ('{"x": 1}', Point, "it lacks 'y'"),
        ('{"layer": {"size": "x"}}', Deep, "layer: size: 'x' is not a whole number"),
        ("small", Layer, "write it as JSON"),
        ("-1", Annotated[int, pydantic.Field(ge=0)], "Input should be greater than or equal to 0"),
        ("x", None, "write None or null"),
        ('{"a": 1, "a": 2}', dict[str, int], "the key 'a' is there twice"),
        ('{"size": 1, "size": 2}', Layer | str, "the key 'size' is there twice"),
        ('[{"a": 1, "a": 2}]', list[Partial], "the key 'a' is there twice"),
        ("2024-01-31T12:00", datetime.date, "a date has no time of day"),
        ("2024-13-31", datetime.datetime, "month value is outside expected range of 1-12"),
        ("1e400", int, "'1e400' is not a whole number"),
    ],
)
def test_a_text_that_does_not_fit_is_refused_with_the_reason(text: str, wanted: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        read_value(text, wanted)


# What JSON can say, without what a float or an int of another notation would be read as.
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(values=st.dictionaries(st.integers(), st.floats(allow_nan=False) | st.none() | st.booleans()))
def test_a_dictionary_written_by_json_or_python_comes_back(values: dict[int, Any]) -> None:
    for text in (json.dumps(values), str(values)):
        if "inf" not in text:
            assert read_value(text, str | dict[int, float | bool | None]) == values


@given(text=st.text())
def test_a_text_alone_stays_itself(text: str) -> None:
    for wanted in (str, Any):
        assert read_value(text, wanted) == text
        assert type(read_value(text, wanted)) is str


@given(value=json_values)
def test_what_json_says_is_kept_where_anything_is_allowed(value: Any) -> None:
    assert read_value(json.dumps([value]), list[Any]) == [value]
    assert read_value(json.dumps({"a": value}), dict[str, Any]) == {"a": value}


@given(number=st.integers() | st.floats(allow_nan=False))
def test_a_number_keeps_its_last_digit_in_a_union(number: float) -> None:
    value = read_value(str(number), str | float | int)
    assert value == number
    assert type(value) is type(number)
