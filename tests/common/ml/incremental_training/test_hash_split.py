"""Which rows are tested, by a hash of their keys."""

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tg.common import DatasetError, TaskDefinitionError
from tg.common.ml.incremental_training import HashSplit
from tg.common.ml.incremental_training.hash_split import _mix


def find(split: HashSplit, keys: Any, first: int = 0) -> list[int]:
    """The positions of tested rows among keys of one column."""
    rows = pa.table({"key": list(keys) if isinstance(keys, range) else keys})
    return np.flatnonzero(split.find_tested(rows, np.arange(first, first + len(rows)))).tolist()


def test_the_tested_rows_are_the_same_in_each_version() -> None:
    # the first number of SplitMix64 from this seed, as the generator's authors publish it
    assert _mix(np.array([1234567], np.uint64)).tolist() == [6457827717110365317]
    assert find(HashSplit("key"), range(30)) == [1, 18, 25, 27]
    assert find(HashSplit("key", seed=1), range(30)) == [28]
    assert find(HashSplit("key"), [f"user {number}" for number in range(30)]) == [15]
    assert find(HashSplit(), range(30)) == [1, 18, 25, 27]  # by position


def test_about_the_share_of_the_keys_is_tested() -> None:
    assert len(find(HashSplit("key", 0.3), np.arange(100_000))) == 30_108
    assert find(HashSplit("key", 0), np.arange(1000)) == []


def test_a_row_is_where_it_is_whatever_stands_beside_it() -> None:
    split, keys = HashSplit("key", 0.3), np.arange(1000) * 7919
    whole = set(find(split, keys))
    assert {
        number for start in range(0, 1000, 9) for number in np.add(find(split, keys[start : start + 9]), start)
    } == whole
    positions = set(find(HashSplit(test_share=0.3), keys))
    assert {number + 400 for number in find(HashSplit(test_share=0.3), keys[400:], first=400)} == {
        number for number in positions if number >= 400
    }


@pytest.mark.parametrize("kind", [pa.int8(), pa.int64(), pa.uint64()])
def test_whole_numbers_are_the_same_key_in_each_type(kind: Any) -> None:
    keys = pa.array([*range(30), None], kind)
    assert find(HashSplit("key"), keys) == find(HashSplit("key"), keys.dictionary_encode()) == [1, 18, 25, 27]


def test_text_and_times_are_the_same_key_in_each_type() -> None:
    split = HashSplit("key", 0.5)
    texts = pa.array([f"user {number}" for number in range(50)] + [None])
    found = find(split, texts)
    assert 15 < len(found) < 35
    assert find(split, texts.cast(pa.large_string())) == find(split, texts.dictionary_encode()) == found
    days = [datetime.date(2026, 1, 1) + datetime.timedelta(days=number) for number in range(50)]
    moments = pa.array(days).cast(pa.timestamp("s"))
    assert find(split, days) == find(split, moments) == find(split, moments.cast(pa.timestamp("ns", "UTC")))


def test_a_key_of_several_columns_depends_on_each() -> None:
    split = HashSplit(["shop", "order"], 0.5)
    rows = pa.table({"shop": [1] * 40 + [2] * 40, "order": [*range(40)] * 2})
    tested = split.find_tested(rows, np.arange(80))
    assert tested[:40].tolist() != tested[40:].tolist()
    assert 25 < tested.sum() < 55


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(
        DatasetError, match="the split's column 'key' is of the type double, which is no key; give whole"
    ):
        find(HashSplit("key"), [0.5])
    with pytest.raises(DatasetError, match=r"the split's columns 'user' are not in the data, which have 'a'"):
        HashSplit("user").check_columns(["a"])


@pytest.mark.parametrize(
    "given", [{"test_share": 1}, {"test_share": -0.1}, {"test_share": True}, {"seed": -1}, {"seed": 0.5}]
)
def test_what_is_no_share_or_seed_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(TaskDefinitionError, match=f"the split's {next(iter(given))} is "):
        HashSplit(**given)
