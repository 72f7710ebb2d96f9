import random
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum, IntEnum
from itertools import product
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tg.common import TaskDefinitionError
from tg.common.delivery.sagemaker import format_job_name, format_sweep_names
from tg.common.delivery.sagemaker.naming.sweep_names import LONGEST_RUN_NAME, format_sweep_parts
from tg.common.delivery.sagemaker.naming.sweep_values import format_exact_value


class Kind(Enum):
    FAST = "fast"
    A = 1


class Level(IntEnum):
    A = 1


def combine(grid: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(grid, each, strict=True)) for each in product(*grid.values())]


def names(**grid: Any) -> list[str]:
    return format_sweep_names(combine(grid))


def test_values_of_all_kinds() -> None:
    values = [True, None, 0.1, 1e-05, 1.5, 15, 1000, 1500, -2, "adam", Kind.FAST, [[1, 2], [3]], (4,), [], {"a": 1}]
    assert names(x=values) == [
        "X=True",
        "X=None",
        "X0.1",
        "X1e-05",
        "X1.5",
        "X15",
        "X1000",
        "X1500",
        "X=-2",
        "X=adam",
        "X=FAST",
        "X1-2,3",
        "X4",
        "X=empty",
        "X=a=1",
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True, 1, "1", 1.0], ["X=True", "X1", "X='1'", "X1.0"]),
        ([True, "True"], ["X=True", "X='True'"]),
        ([None, "None", ""], ["X=None", "X='None'", "X=empty"]),
        ([[10, 5], "10-5", (10, 5)], ["X=[10,5]", "X10_5", "X=(10,5)"]),
        ([[[1], [2]], [1, 2]], ["X1,2", "X1-2"]),
        ([10, [10]], ["X10", "X=[10]"]),
        (["a b", "ab", "a_b"], ["X='a b'", "X=ab", "X='a_b'"]),
        (["A", "a"], ["X=A", "X=a"]),
        ([Kind.A, Level.A, "A"], ["X=Kind.A@tests.common.del~bd145374", "X=Level.A@tests.common.de~7d8d6708", "X='A'"]),
        ([0.1, np.float32(0.1)], ["X0.1", "X=float32(0.1)"]),
        ([0.30000000000000004, 1 / 3, 1.0], ["X0.3", "X0.333333", "X1.0"]),
        ([0.30000000000000004, 0.3], ["X0.30000000000000004", "X0.3"]),
        ([Decimal("0.10"), "x"], ["X0.10", "X=x"]),
        ([PurePosixPath("/data/a.csv"), PurePosixPath("/data/b.csv")], ["X=a.csv", "X=b.csv"]),
        ([PurePosixPath("1/a"), PurePosixPath("2/a")], ["X=PurePosixPath('1/a')", "X=PurePosixPath('2/a')"]),
        ([{"b": 1, "a": 2}, {"a": 2}], ["X=a=2,b=1", "X=a=2"]),
        ([float("nan"), float("inf"), -float("inf")], ["X=nan", "X=inf", "X=-inf"]),
        ([int, str], ["X=int", "X=str"]),
        (["größe", "火"], ["X=größe", "X=火"]),
        ([10**5000, 0], ["X0x31e20801036510f3c591f~46dfe627", "X0"]),
        (["x" * 40, "x" * 41], ["X=" + "x" * 23 + "~c38afbf2", "X=" + "x" * 23 + "~296ea47f"]),
    ],
)
def test_values_that_look_alike_are_told_apart(values: list[Any], expected: list[str]) -> None:
    assert names(x=values) == expected


@pytest.mark.parametrize(
    ("parameters", "labels"),
    [
        (["learning_rate", "network_size"], ["LR", "NS"]),
        (["batch_size", "bias_scale"], ["BaS", "BiS"]),
        (["model_provider.constructor.kwargs.C:float", "max_iter"], ["C", "MI"]),
        (["encoder.rate", "decoder.rate"], ["ER", "DR"]),
        (["solver.batch_size", "bias_scale"], ["BaS", "BiS"]),
        (["num_layers", "num_leaves"], ["NLa", "NLe"]),
        (["maxDepth", "C"], ["MD", "C"]),
        (["layer1", "layer12"], ["L1=", "L12="]),
        (["hidden_size", "hidden_sizes"], ["HSize", "HSizes"]),
        (["hidden_size", "hiddenSize"], ["hidden_size", "hiddenSize"]),
        (["lr", "learning_rate"], ["L", "LR"]),
        (["_", "größe"], ["_=", "G"]),
        (["n" * 60 + "a", "n" * 60 + "b"], ["n" * 23 + "~98ed32af=", "n" * 23 + "~a97a2347="]),
    ],
)
def test_parameters_get_the_shortest_label_that_is_their_own(parameters: list[str], labels: list[str]) -> None:
    assert names(**{each: [0, 1] for each in parameters})[0] == "-".join(f"{each}0" for each in labels)


def test_what_does_not_vary_has_no_part_in_labels_either() -> None:
    assert names(batch_size=[1, 2], bias_scale=[3]) == ["BS1", "BS2"]


def test_names_do_not_change_if_other_parameters_stand_elsewhere() -> None:
    one = names(rate=[0.1, 1], size=[[1], 1], role=["a"])
    assert one == ["R0.1-S=[1]", "R0.1-S1", "R1-S=[1]", "R1-S1"]
    assert names(size=[1, [1]], role=["a"], rate=[1, 0.1]) == ["S1-R1", "S1-R0.1", "S=[1]-R1", "S=[1]-R0.1"]


def test_runs_may_have_different_parameters() -> None:
    assert format_sweep_names([{"kind": "tree"}, {"kind": "net", "size": 3}, {"kind": "net"}], "p") == [
        "p-K=tree",
        "p-K=net-S3",
        "p-K=net",
    ]
    assert format_sweep_names([{}, {"size": 3}]) == ["task", "S3"]
    assert format_sweep_names([]) == []


def test_a_combination_is_there_once() -> None:
    with pytest.raises(TaskDefinitionError, match=r"^the sweep has the combination {'a': 1} twice; give it once$"):
        format_sweep_names([{"a": 1}, {"a": 2}, {"a": 1}])


def test_names_that_only_differ_in_where_a_part_ends_get_a_digest() -> None:
    # Text is never written with a hyphen; a prefix and an infinity can be mistaken for parts.
    made = format_sweep_names([{"a": 1, "inf": 1}, {"a": [1, -float("inf")]}, {}])
    assert len(set(made)) == 3


def test_a_long_name_is_cut_and_keeps_a_digest() -> None:
    grid = {f"parameter{number}": ["v" * 30 + "a", "v" * 30 + "b"] for number in range(8)}
    made = names(**grid)
    assert len(set(made)) == 256
    assert {len(each) for each in made} == {200}
    assert all(re.search(r"~[0-9a-f]{8}$", each) for each in made)


# Values that are alike in text, type, case, separators, or in their first characters.
LOOK_ALIKES: list[Any] = [
    *(True, 1, 1.0, "1", "True", "1.0", np.int64(2), 2.0, None, "None", "none", "", "empty", [], (), {}, set()),
    *([1, 2], (1, 2), "1-2", "1,2", [[1], [2]], [[1, 2]], [1, [2]], ["1", "2"], "[1,2]", np.array([1, 2])),
    *(
        "a",
        "A",
        "a-b",
        "a b",
        "a_b",
        "a/b",
        "'a'",
        "e\u0301",
        "\u00e9",
        "a\n",
        "\ud800",
        "~",
        "a-B=a",
        "B1",
        "-",
        "=",
    ),
    *(-1, "-1", [-1], [1, -1], 1e-05, "1e-05", 1e16, 10**16, 0.0, -0.0, float("nan"), float("inf"), -float("inf")),
    *(Kind.A, Level.A, Kind.FAST, "fast", "FAST", PurePosixPath("a/b"), PurePosixPath("b"), Decimal(1), b"a", int),
    *("x" * 300, "x" * 301, [0] * 200, [0] * 201, {"a": 1}, {"a": "1"}, [("a", 1)], {1: 2}, frozenset({1, 2})),
    *(np.float32(0.1), 0.1, np.float64(0.2), 0.1 + 0.2, 0.3, np.bool_(False), 10**500),
]
scalars = st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.text("aA-_=,.1", max_size=4))
values = st.one_of(
    st.sampled_from(LOOK_ALIKES), scalars, st.lists(st.one_of(scalars, st.lists(scalars, max_size=2)), max_size=3)
)
PARAMETERS = [
    *("a", "b", "B", "a_b", "b_a", "ab", "A_B", "aB", "a1", "a_1", "a12", "_", "__", "inf", "e5", "_2d", "größe"),
    *("batch_size", "bias_scale", "batchSize", "p" * 60 + "a", "p" * 60 + "b"),
]
parameters = st.one_of(st.sampled_from(PARAMETERS), st.text("abAB_1", min_size=1, max_size=5))
PREFIXES = [None, "p", "a1", "p" * 220]


def without_doubles(pairs: list[tuple[str, list[Any]]]) -> dict[str, list[Any]]:
    return {name: list({format_exact_value(each): each for each in given}.values()) for name, given in pairs}


# Drawn in pairs, as a dictionary of unique values takes hypothesis twice the time.
grids = st.lists(st.tuples(parameters, st.lists(values, min_size=1, max_size=3)), min_size=1, max_size=3).map(
    without_doubles
)
prefixes = st.sampled_from(PREFIXES)


def assert_no_two_runs_share_a_name(grid: dict[str, list[Any]], prefix: str | None) -> None:
    combinations = combine(grid)
    made = format_sweep_names(combinations, prefix)
    assert len(set(made)) == len(combinations)
    assert all(1 <= len(each) <= LONGEST_RUN_NAME for each in made)
    jobs = [format_job_name(name, f"00ff-{number}") for number, name in enumerate(made)]
    assert [
        each for each in jobs if not re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", each) or len(each) > 63
    ] == []
    assert [number for number, each in enumerate(jobs) if not each.endswith(f"-00ff-{number}")] == []
    assert len({each.lower() for each in jobs}) == len(combinations)


@settings(max_examples=1_000, suppress_health_check=[HealthCheck.too_slow])
@given(grids, prefixes)
def test_no_two_runs_of_any_grid_share_a_name(grid: dict[str, list[Any]], prefix: str | None) -> None:
    assert_no_two_runs_share_a_name(grid, prefix)


class GridMaker:
    """Draws grids of the same kinds as ``grids`` does, in a tenth of the time, but cannot shrink them."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def draw(self) -> tuple[dict[str, list[Any]], str | None]:
        pairs = [(self._draw_parameter(), self._draw_some(self._draw_value, 1, 3)) for _ in range(self._pick(1, 2, 3))]
        return without_doubles(pairs), self._pick(*PREFIXES)

    def _pick(self, *choices: Any) -> Any:
        return self._chance.choice(choices)

    def _draw_some(self, draw: Callable[[], Any], least: int, most: int) -> list[Any]:
        return [draw() for _ in range(self._chance.randint(least, most))]

    def _draw_parameter(self) -> str:
        return self._pick(self._pick(*PARAMETERS), "".join(self._chance.choices("abAB_1", k=self._pick(1, 2, 3, 4, 5))))

    def _draw_value(self) -> Any:
        kind = self._pick("look-alike", "scalar", "list")
        if kind == "look-alike":
            return self._pick(*LOOK_ALIKES)
        return self._draw_scalar() if kind == "scalar" else self._draw_some(self._draw_item, 0, 3)

    def _draw_item(self) -> Any:
        return self._pick(self._draw_scalar, lambda: self._draw_some(self._draw_scalar, 0, 2))()

    def _draw_scalar(self) -> Any:
        chance = self._chance
        size = chance.randint(0, 4)
        return self._pick(
            lambda: chance.random() < 0.5,
            lambda: chance.randint(-9, 9) * 10 ** chance.randint(0, 20),
            lambda: float.fromhex(f"{chance.choice('+-')}0x{chance.getrandbits(53):x}p{chance.randint(-1100, 900)}"),
            lambda: chance.randint(-99, 99) / chance.choice((1, 2, 10, 1000, 1e9)),
            lambda: "".join(
                chr(chance.choice((chance.randrange(0x250), chance.randrange(0x110000)))) for _ in range(size)
            ),
            lambda: "".join(chance.choices("aA-_=,.1", k=size)),
        )()


@pytest.mark.parametrize("seed", range(9))
def test_no_two_runs_of_a_thousand_grids_of_a_seed_share_a_name(seed: int) -> None:
    maker = GridMaker(seed)
    for _ in range(1_000):
        grid, prefix = maker.draw()
        try:
            assert_no_two_runs_share_a_name(grid, prefix)
        except Exception as error:
            raise AssertionError(f"grid {grid!r}, prefix {prefix!r}") from error


@settings(max_examples=500)
@given(grids, prefixes, st.integers(0, 2**32))
def test_no_order_changes_what_a_run_is_called(grid: dict[str, list[Any]], prefix: str | None, seed: int) -> None:
    combinations = combine(grid)
    chance = random.Random(seed)
    order = chance.sample(range(len(combinations)), len(combinations))
    shuffled = [combinations[number] for number in order]
    made = format_sweep_names(combinations, prefix)
    assert format_sweep_names(shuffled, prefix) == [made[number] for number in order]
    # The order of the parameters is that of the parts, and nothing else.
    permuted = [dict(chance.sample(list(each.items()), len(each))) for each in combinations]
    parts = [{*each.items()} for each in format_sweep_parts(combinations)]
    assert [{*each.items()} for each in format_sweep_parts(permuted)] == parts
