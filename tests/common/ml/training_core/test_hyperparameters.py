import collections
import copy
import types
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretBytes, SecretStr
from sklearn.preprocessing import StandardScaler

from tg.common import HyperparameterError
from tg.common.ml.single_frame_training import (
    DataFrameLoader,
    Evaluation,
    FoldSplitter,
    ModelConstructor,
    ModelProvider,
    SingleFrameTrainingTask,
    UnionSplitter,
)
from tg.common.ml.training_core import apply_hyperparameters


class Part:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


@dataclass(frozen=True)
class Frozen:
    size: int = 3
    options: dict = field(default_factory=dict)


def applied(target, key, value):
    """What stands at ``target.x`` after setting one hyperparameter."""
    apply_hyperparameters(target, {key: value})
    return target.x


# --- types


@pytest.mark.parametrize(
    ("type_name", "text", "expected"),
    [
        ("int", "10", 10),
        ("int", " -3 ", -3),
        ("int", "10.0", 10),
        ("int", "1e3", 1000),
        ("float", "0.1", 0.1),
        ("float", "3", 3.0),
        ("float", "1e-4", 0.0001),
        ("float", "inf", float("inf")),
        ("bool", "true", True),
        ("bool", "True", True),
        ("bool", "1", True),
        ("bool", "false", False),
        ("bool", "FALSE", False),
        ("bool", " 0 ", False),
        ("str", "10", "10"),
        ("json", "[10, 5]", [10, 5]),
        ("json", '{"a": null}', {"a": None}),
        ("json", '"text"', "text"),
    ],
)
def test_a_text_is_read_as_the_type_named(type_name, text, expected):
    result = applied(Part(x=None), f"x:{type_name}", text)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("type_name", "value", "expected"),
    [
        ("int", 1000.0, 1000),
        ("int", np.int64(7), 7),
        ("float", 3, 3.0),
        ("float", 0.1, 0.1),
        ("bool", 1, True),
        ("bool", False, False),
        ("str", 10, "10"),
        ("json", 10, 10),
        ("json", [1], [1]),
        ("int", None, None),
        ("str", None, None),
    ],
)
def test_a_number_is_converted_to_the_type_named_as_well(type_name, value, expected):
    result = applied(Part(x="old"), f"x:{type_name}", value)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("current", "text", "expected"),
    [
        (1, "10", 10),
        (1, "10.0", 10),
        (0.5, "10", 10.0),
        (True, "0", False),
        (False, "true", True),
        (np.int64(1), "10", 10),
        (np.float64(1.0), "10", 10.0),
        (np.bool_(True), "false", False),
        ("old", "10", "10"),
        ("old", " 10 ", " 10 "),
        (None, "10", 10),
        (None, "1e-05", 1e-05),
        (None, "true", True),
        (None, "null", None),
        (None, "[1, 2]", [1, 2]),
        (None, "balanced", "balanced"),
        (None, '"10"', '"10"'),
        (None, "1.2.3", "1.2.3"),
        ([1], "[2]", [2]),
        ((1,), "[2, 3]", (2, 3)),
        ({"a": 1}, '{"b": 2}', {"b": 2}),
        (SecretStr("old"), "10", SecretStr("10")),
        (SecretBytes(b"old"), "null", SecretBytes(b"null")),
    ],
)
def test_without_a_type_a_text_becomes_what_it_replaces(current, text, expected):
    result = applied(Part(x=current), "x", text)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize("value", [10, 1.5, True, None, [1, 2], {"a": 1}])
@pytest.mark.parametrize("current", [1, 0.5, False, "old", None])
def test_without_a_type_what_is_no_text_is_set_as_it_is(current, value):
    assert applied(Part(x=current), "x", value) is value


@given(number=st.floats(allow_nan=False))
def test_a_float_keeps_its_last_digit(number):
    assert applied(Part(x=1.0), "x", repr(number)) == number
    assert applied(Part(x=None), "x:float", number) == number


# --- containers


def test_steps_are_attributes_keys_and_indices():
    inner = Part(size=1)
    target = Part(parts=[{"a": 1}, {"deep": {"list": [10, inner]}}], x=0)
    apply_hyperparameters(
        target, {"parts.0.a": "5", "parts.1.deep.list.0": "6", "parts.1.deep.list.1.size": "7", "x": 8}
    )
    assert target.parts == [{"a": 5}, {"deep": {"list": [6, inner]}}]
    assert inner.size == 7
    assert target.x == 8


def test_a_whole_part_can_be_replaced():
    target = Part(sizes=[1, 2], x={"a": 1})
    apply_hyperparameters(target, {"sizes:json": "[3]", "x": None})
    assert target.sizes == [3]
    assert target.x is None


def test_kwargs_are_open():
    target = Part(kwargs={"known": 1})
    given = {
        "kwargs.C:float": "0.5",
        "kwargs.solver": "saga",
        "kwargs.known": "2",
        "kwargs.tol": "1e-4",
        "kwargs.v": "[1]",
    }
    apply_hyperparameters(target, {**given, "kwargs.version:str": "1.0"})
    assert target.kwargs == {"known": 2, "C": 0.5, "solver": "saga", "tol": 1e-4, "v": [1], "version": "1.0"}


def test_kwargs_are_open_in_depth_only_as_mappings():
    with pytest.raises(HyperparameterError, match=r"kwargs \(dict\) has no 'estimator'; there is 'a'"):
        apply_hyperparameters(Part(kwargs={"a": 1}), {"kwargs.estimator.depth": 3})
    with pytest.raises(HyperparameterError, match=r"kwargs \(Part\) has no 'b'; there is 'a'"):
        apply_hyperparameters(Part(kwargs=Part(a=1)), {"kwargs.b": 3})


def test_a_task_s_parts_are_reached():
    task = SingleFrameTrainingTask(
        DataFrameLoader("y"),
        ModelProvider(ModelConstructor("sklearn.linear_model:LogisticRegression", max_iter=100), StandardScaler()),
        Evaluation.binary_classification,
        UnionSplitter([FoldSplitter(), FoldSplitter(seed=1)]),
    )
    task.apply_hyperparams(
        {
            "model_provider.constructor.kwargs.C:float": "10",
            "model_provider.constructor.kwargs.max_iter": "1000",
            "model_provider.transformer.with_mean": "false",
            "model_provider.keep_column_names": "false",
            "data_loader.features:json": '["a", "b"]',
            "splitter.splitters.1.test_size": "0.5",
            "info": {"name": "swept"},
        }
    )
    assert task.model_provider.constructor.kwargs == {"max_iter": 1000, "C": 10.0}
    assert task.model_provider.transformer.with_mean is False
    assert task.model_provider.keep_column_names is False
    assert task.data_loader.features == ["a", "b"]
    assert [splitter.test_size for splitter in task.splitter.splitters] == [0.3, 0.5]
    assert task.info == {"name": "swept"}


def test_no_hyperparameters_change_nothing():
    target = Part(x=1)
    apply_hyperparameters(target, {})
    assert vars(target) == {"x": 1}


# --- keys that are no texts, and tuples


@pytest.mark.parametrize(
    ("weights", "key", "expected"),
    [
        ({0: 1.0, 1: 1.0}, "0", {0: 2.5, 1: 1.0}),
        ({-1: 1.0}, "-1", {-1: 2.5}),
        ({np.int64(3): 1.0}, "3", {3: 2.5}),
        ({True: 1.0, False: 1.0}, "true", {True: 2.5, False: 1.0}),
        ({True: 1.0, False: 1.0}, "False", {True: 1.0, False: 2.5}),
        ({0.5: 1.0}, "0.5", {0.5: 2.5}),
        ({(0, 1): 1.0}, "(0, 1)", {(0, 1): 2.5}),
        ({None: 1.0}, "null", {None: 2.5}),
        ({"0": 1.0, 0: 1.0}, "0", {"0": 2.5, 0: 1.0}),
        ({"layer.weight": 1.0}, "layer.weight", {"layer.weight": 2.5}),
    ],
)
def test_a_key_of_any_kind_is_reached(weights, key, expected):
    assert applied(Part(x=weights), f"x.{key}", "2.5") == expected


def test_what_is_below_a_key_that_is_no_text_is_reached():
    target = Part(kwargs={"class_weight": {0: 1.0}, 1: Part(a=1)})
    apply_hyperparameters(target, {"kwargs.class_weight.0": "2", "kwargs.1.a": "3", "kwargs.2": "4"})
    assert target.kwargs["class_weight"] == {0: 2.0}
    assert target.kwargs[1].a == 3
    assert target.kwargs["2"] == 4


@pytest.mark.parametrize(
    ("current", "text", "expected"),
    [
        (None, '{"0": 1.0, "1": 2.5}', {0: 1.0, 1: 2.5}),
        ("balanced", '{"0": 1.0, "-1": 2.5}', {0: 1.0, -1: 2.5}),
        ({}, '{"0": 1}', {0: 1}),
        ({0: 1, 1: 1}, '{"2": 3}', {2: 3}),
        ({"0": 1}, '{"1": 3}', {"1": 3}),
        ({0.5: 1}, '{"0.25": 3}', {0.25: 3}),
        ({True: 1, "x": 2}, '{"True": 3, "y": 4}', {True: 3, "y": 4}),
        (None, '{"0": 1, "a": 2}', {"0": 1, "a": 2}),
        (None, '{"00": 1}', {"00": 1}),
        (None, '[{"0": 1}, {"a": {"1": 2}}]', [{0: 1}, {"a": {1: 2}}]),
        ([{"0": 5}], '[{"0": 1}]', [{"0": 1}]),
        ({"a": {"0": 1}, "b": None}, '{"a": {"0": 2}, "b": {"0": 2}}', {"a": {"0": 2}, "b": {0: 2}}),
    ],
)
@pytest.mark.parametrize("type_name", ["", ":json"])
def test_keys_of_json_take_the_type_of_those_that_they_replace_or_are_ints(current, text, expected, type_name):
    assert applied(Part(x=copy.deepcopy(current)), f"x{type_name}", text) == expected


def test_a_text_is_replaced_by_what_is_written_where_an_argument_is_unknown():
    target = Part(kwargs={"max_features": "sqrt", "gamma": "scale", "name": "a"}, name="a")
    given = {"kwargs.max_features": "0.5", "kwargs.gamma": "auto", "kwargs.name:str": "1.0", "name": "1.0"}
    apply_hyperparameters(target, given)
    assert target.kwargs == {"max_features": 0.5, "gamma": "auto", "name": "1.0"}
    assert target.name == "1.0"


def test_items_of_tuples_are_replaced():
    pair = collections.namedtuple("pair", ["low", "high"])
    target = Part(sizes=(10, 5), deep=[{"a": (1, (2, 3))}], pair=pair(1, 2), steps=(("scale", Part(on=True)),))
    sizes = target.sizes
    apply_hyperparameters(
        target,
        {
            "sizes.0": "20",
            "sizes.1": "7",
            "deep.0.a.1.0": "8",
            "deep.0.a.1.1": "9",
            "deep.0.a.0": "0",
            "pair.high": "5",
            "steps.0.1.on": "false",
        },
    )
    assert target.sizes == (20, 7)
    assert target.deep == [{"a": (0, (8, 9))}]
    assert target.pair == pair(1, 5)
    assert isinstance(target.pair, pair)
    assert target.steps[0][1].on is False
    assert sizes == (10, 5)  # another task may hold it, too


# --- errors


@pytest.fixture
def target():
    return Part(
        model=Part(learning_rate=0.1, layers=[10, 5], _hidden=1),
        options={"depth": 3, 7: "seven"},
        pair=(1, 2),
        fixed=types.MappingProxyType({"a": 1}),
        weights={0: 1.0},
        frozen=Frozen(),
        x=1,
        last=1,
    )


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("modl", 1, r"^hyperparameter 'modl': the task \(Part\) has no 'modl'; did you mean 'model'\?$"),
        (
            "model.layer",
            1,
            r"^hyperparameter 'model.layer': model \(Part\) has no 'layer'; did you mean 'layers'\?$",
        ),
        ("model.zzz.y", 1, r"model \(Part\) has no 'zzz'; there is 'learning_rate', 'layers'$"),
        ("model._hidden", 1, r"model \(Part\) has no '_hidden'; there is 'learning_rate', 'layers'$"),
        ("model.layers.2", 1, r"model.layers \(list\) has no '2'; there is '0', '1'$"),
        ("model.layers.-1", 1, r"model.layers \(list\) has no '-1'; "),
        ("model.layers.first", 1, r"model.layers \(list\) has no 'first'; there is '0', '1'$"),
        ("options.dept", 1, r"options \(dict\) has no 'dept'; did you mean 'depth'\?$"),
        ("options.8", 1, r"options \(dict\) has no '8'; there is 'depth', '7'$"),
        ("pair.2", 1, r"pair \(tuple\) has no '2'; there is '0', '1'$"),
        ("fixed.a", 1, r"^hyperparameter 'fixed.a': mappingproxy cannot be changed; set the part of the task that "),
        ("weights", '{"a": 1}', r"^hyperparameter 'weights': '{\"a\": 1}' is not of type json$"),
        ("x.y", 1, r"x \(int\) has no 'y'; there is nothing$"),
        ("x.real", 1, r"x \(int\) has no 'real'; there is nothing$"),
        (
            "x:integer",
            1,
            r"^hyperparameter 'x:integer': unknown type 'integer'; types are 'int', 'float', 'bool', 'str', ",
        ),
        ("x:", 1, r"^hyperparameter 'x:': unknown type ''; types are 'int'"),
        ("x:int", "ten", r"^hyperparameter 'x:int': 'ten' is not of type int$"),
        ("x:int", "1.5", r"'1.5' is not of type int$"),
        ("x:int", 1.5, r"'1.5' is not of type int$"),
        ("x:int", "nan", r"'nan' is not of type int$"),
        ("x:int", "inf", r"'inf' is not of type int$"),
        ("x:int", "", r"'' is not of type int$"),
        ("x:float", "1,5", r"'1,5' is not of type float$"),
        ("x:bool", "yes", r"'yes' is not of type bool$"),
        ("x:bool", 2, r"'2' is not of type bool$"),
        ("x:json", "[1", r"'\[1' is not of type json$"),
        ("x", "ten", r"^hyperparameter 'x': 'ten' is not of type int$"),
        ("model.learning_rate", "fast", r"'fast' is not of type float$"),
        (
            "model..layers",
            1,
            r"^hyperparameter 'model..layers': a path is names joined by single dots, such as 'a.b.c'$",
        ),
        ("", 1, r"^hyperparameter '': a path is names joined by single dots"),
        (".x", 1, r"a path is names joined by single dots"),
        ("x.", 1, r"a path is names joined by single dots"),
        (":int", 1, r"a path is names joined by single dots"),
        (
            "frozen.size",
            1,
            r"^hyperparameter 'frozen.size': Frozen cannot be changed; set the part of the task that holds ",
        ),
    ],
)
def test_a_wrong_key_changes_nothing_at_all(target, key, value, message):
    before = copy.deepcopy(vars(target.model)), copy.deepcopy(target.options)
    with pytest.raises(HyperparameterError, match=message) as caught:
        apply_hyperparameters(target, {"model.learning_rate": 0.5, "options.depth": 9, key: value, "last": 2})
    assert "\n" not in str(caught.value)
    assert (vars(target.model), target.options) == before
    assert (target.x, target.last) == (1, 1)
    assert target.frozen == Frozen()


@given(
    good=st.dictionaries(st.sampled_from(["a", "b", "part.c", "list.0"]), st.integers(), min_size=1),
    bad=st.sampled_from(["z", "part.z", "list.2", "a:what", "part..c", "a.b"]),
    position=st.integers(0, 4),
)
def test_one_wrong_key_anywhere_changes_nothing(good, bad, position):
    target = Part(a=-1, b=-1, part=Part(c=-1), list=[-1, -1])
    items = list(good.items())
    items.insert(position, (bad, 1))
    with pytest.raises(HyperparameterError):
        apply_hyperparameters(target, dict(items))
    assert (target.a, target.b, target.part.c, target.list) == (-1, -1, -1, [-1, -1])


def test_what_is_inside_a_frozen_part_can_be_changed():
    target = Part(frozen=Frozen(options={"a": 1}))
    apply_hyperparameters(target, {"frozen.options.a": "2"})
    assert target.frozen == Frozen(options={"a": 2})
