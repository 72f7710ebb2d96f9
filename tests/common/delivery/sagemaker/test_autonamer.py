from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common import TaskDefinitionError
from tg.common.delivery.sagemaker import Autonamer


def build(learning_rate: Any = 1, network_size: Any = (10, 10), context_length: int = 10) -> SimpleNamespace:
    return SimpleNamespace(info={"name": ""}, arguments=(learning_rate, network_size, context_length))


def build_any(**arguments: Any) -> SimpleNamespace:
    return SimpleNamespace(info={}, arguments=arguments)


class Kind(Enum):
    FAST = 1


def names(**grid: Any) -> list[str]:
    return [task.info["name"] for task in Autonamer(build_any).build_tasks(**grid)]


def test_names_are_those_of_the_source_document() -> None:
    tasks = Autonamer(build).build_tasks(learning_rate=[1, 2], network_size=[[10], [10, 5]])
    assert [task.info["name"] for task in tasks] == ["LR1-NS10", "LR1-NS10-5", "LR2-NS10", "LR2-NS10-5"]
    assert tasks[1].arguments == (1, [10, 5], 10)


def test_a_prefix_and_common_arguments() -> None:
    tasks = Autonamer(build, "deep", {"context_length": 3}).build_tasks(learning_rate=[0.5])
    assert tasks[0].info["name"] == "deep-LR0.5"
    assert tasks[0].arguments == (0.5, (10, 10), 3)


def test_parameters_with_equal_initials_get_longer_ones() -> None:
    assert names(batch_size=[1], bias_scale=[2]) == ["BASI1-BISC2"]


def test_values_of_all_kinds() -> None:
    values = [True, None, 0.1, 1e-05, 1.5, 15, 1000, 1500, "adam", Kind.FAST, [[1, 2], [3]], (4,), [], -2]
    assert names(x=values) == [
        "XTrue",
        "XNone",
        "X0.1",
        "X1e-05",
        "X1.5",
        "X15",
        "X1000",
        "X1500",
        "Xadam",
        "XFAST",
        "X1-2-3",
        "X4",
        "Xempty",
        "X-2",
    ]


def test_names_that_would_be_equal_are_numbered() -> None:
    assert names(x=["a b", "ab", "a_b"]) == ["Xab", "Xab-2", "Xab-3"]


@pytest.mark.parametrize("values", [[], "text", 3, None])
def test_a_grid_has_lists(values: Any) -> None:
    with pytest.raises(TaskDefinitionError, match=r"sweep parameter 'x' has the values .*; give a non-empty list"):
        Autonamer(build_any).build_tasks(x=values)


def test_a_parameter_is_not_both_common_and_swept() -> None:
    with pytest.raises(TaskDefinitionError, match="sweep parameter 'x' is also a common argument"):
        Autonamer(build_any, common_arguments={"x": 1}).build_tasks(x=[1])


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))
grids = st.dictionaries(
    st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.lists(scalars, min_size=1, max_size=4), min_size=1, max_size=3
)


@given(grids)
def test_no_two_tasks_share_a_name(grid: dict[str, list[Any]]) -> None:
    made = names(**grid)
    assert len(set(made)) == len(made)
    assert made == names(**grid)
