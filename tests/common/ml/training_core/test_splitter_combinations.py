import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common import DatasetError, TaskDefinitionError
from tg.common.ml.training_core import (
    CompositionSplitter,
    FoldSplitter,
    IdentitySplitter,
    OneTimeSplitter,
    PredefinedSplitter,
    Split,
    Splitter,
    UnionSplitter,
)


class AnySplitter(Splitter):
    """A user's own splitter, which says nothing about itself: the last row is tested."""

    def split(self, frame):
        rows = np.arange(len(frame))
        return [Split(rows[:-1], {"test": rows[-1:]})]


def positions(splits):
    return [(split.train.tolist(), {stage: rows.tolist() for stage, rows in split.tests.items()}) for split in splits]


@pytest.fixture
def frame():
    """Six rows in order of ``time``; ``set`` says other things."""
    return pd.DataFrame({"time": [1, 2, 3, 4, 5, 6], "set": ["train", "b", "train", "a", "train", "train"]})


# --- UnionSplitter


def test_union_has_all_splits_in_order(frame):
    splitter = UnionSplitter(
        [OneTimeSplitter("time", 5, test_name="later"), PredefinedSplitter("set"), IdentitySplitter()]
    )
    assert positions(splitter.split(frame)) == [
        ([0, 1, 2, 3], {"later": [4, 5]}),
        ([0, 2, 4, 5], {"b": [1], "a": [3]}),
        ([0, 1, 2, 3, 4, 5], {}),
    ]
    assert splitter.get_stages() == ["later", "test"]
    assert splitter.get_split_count() == 3


def test_union_names_a_stage_once():
    splitter = UnionSplitter([FoldSplitter(test_name="b"), FoldSplitter(2, test_name="a"), FoldSplitter(test_name="b")])
    assert splitter.get_stages() == ["b", "a"]
    assert splitter.get_split_count() == 4


def test_union_of_unknown_count_has_an_unknown_count():
    assert UnionSplitter([FoldSplitter(), AnySplitter()]).get_split_count() is None


def test_union_takes_any_iterable_and_keeps_its_own_list(frame):
    splitters = [IdentitySplitter()]
    union = UnionSplitter(splitters)
    splitters.clear()
    assert len(union.split(frame)) == 1


def test_union_of_nothing():
    with pytest.raises(TaskDefinitionError, match=r"^UnionSplitter got no splitters; give at least one$"):
        UnionSplitter([])


def test_union_passes_errors_on(frame):
    with pytest.raises(DatasetError, match="no column 'month' to split by"):
        UnionSplitter([IdentitySplitter(), OneTimeSplitter("month")]).split(frame)


# --- CompositionSplitter


def test_composition_divides_the_training_part_and_speaks_of_the_frame_s_rows(frame):
    splitter = CompositionSplitter(
        OneTimeSplitter("time", 5, test_name="test"), OneTimeSplitter("time", 3, test_name="validation")
    )
    assert positions(splitter.split(frame[::-1])) == [([4, 5], {"test": [0, 1], "validation": [2, 3]})]
    assert splitter.get_stages() == ["test", "validation"]
    assert splitter.get_split_count() == 1


def test_a_taken_stage_name_becomes_an_inner_one(frame):
    splitter = CompositionSplitter(OneTimeSplitter("time", 5), OneTimeSplitter("time", 3))
    assert positions(splitter.split(frame)) == [([0, 1], {"test": [4, 5], "inner_test": [2, 3]})]
    assert splitter.get_stages() == ["test", "inner_test"]


def test_nested_compositions_name_their_stages_apart(frame):
    innermost = CompositionSplitter(OneTimeSplitter("time", 4), OneTimeSplitter("time", 3))
    splitter = CompositionSplitter(OneTimeSplitter("time", 5), innermost)
    expected = {"test": [4, 5], "inner_test": [3], "inner_inner_test": [2]}
    assert positions(splitter.split(frame)) == [([0, 1], expected)]
    assert splitter.get_stages() == list(expected)

    outermost = CompositionSplitter(
        CompositionSplitter(OneTimeSplitter("time", 5), OneTimeSplitter("time", 4)), FoldSplitter()
    )
    assert outermost.get_stages() == ["test", "inner_test", "inner_inner_test"]
    assert list(outermost.split(frame)[0].tests) == ["test", "inner_test", "inner_inner_test"]


def test_counts_multiply(frame):
    splitter = CompositionSplitter(FoldSplitter(3), FoldSplitter(2, test_name="validation"))
    assert splitter.get_split_count() == 6
    assert len(splitter.split(frame)) == 6
    # the same two rows are tested by both inner divisions of one outer fold
    tests = [split.tests["test"].tolist() for split in splitter.split(frame)]
    assert tests[0::2] == tests[1::2]


@pytest.mark.parametrize("pair", [(AnySplitter(), FoldSplitter()), (FoldSplitter(), AnySplitter())])
def test_composition_of_unknown_count_has_an_unknown_count(pair):
    assert CompositionSplitter(*pair).get_split_count() is None


def test_a_stage_means_the_same_in_each_split_of_a_union(frame):
    # the second outer split has no stage "test", yet its inner test must not be averaged with the first one's
    outer = UnionSplitter([OneTimeSplitter("time", 5), OneTimeSplitter("time", 6, test_name="last")])
    splitter = CompositionSplitter(outer, OneTimeSplitter("time", 3))
    assert positions(splitter.split(frame)) == [
        ([0, 1], {"test": [4, 5], "inner_test": [2, 3]}),
        ([0, 1], {"last": [5], "inner_test": [2, 3, 4]}),
    ]
    assert splitter.get_stages() == ["test", "last", "inner_test"]


def test_identity_on_either_side_adds_nothing(frame):
    inner = OneTimeSplitter("time", 5)
    assert positions(CompositionSplitter(IdentitySplitter(), inner).split(frame)) == positions(inner.split(frame))
    assert positions(CompositionSplitter(inner, IdentitySplitter()).split(frame)) == positions(inner.split(frame))


@given(
    row_count=st.integers(8, 40),
    outer_folds=st.integers(1, 4),
    inner_folds=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_inner_parts_divide_the_outer_training_rows(row_count, outer_folds, inner_folds, seed):
    # repeated labels and a shuffled order: positions must not be taken for labels anywhere
    order = np.random.default_rng(seed).permutation(row_count)
    frame = pd.DataFrame({"a": order}, index=order // 3)
    outer = FoldSplitter(outer_folds, seed=seed)
    splits = CompositionSplitter(outer, FoldSplitter(inner_folds, seed=seed + 1, test_name="validation")).split(frame)
    outer_splits = [split for split in outer.split(frame) for _ in range(inner_folds)]
    assert len(splits) == len(outer_splits) == outer_folds * inner_folds
    for split, outer_split in zip(splits, outer_splits, strict=True):
        train, validation = set(split.train.tolist()), set(split.tests["validation"].tolist())
        assert train.isdisjoint(validation)
        assert train | validation == set(outer_split.train.tolist())
        assert split.tests["test"].tolist() == outer_split.tests["test"].tolist()
