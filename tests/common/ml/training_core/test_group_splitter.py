import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common import DatasetError, TaskDefinitionError
from tg.common.ml.training_core import GroupSplitter

FRAME = pd.DataFrame({"query": list("aabbccddee"), "x": range(10)})


def test_a_group_is_on_one_side():
    (split,) = GroupSplitter("query", test_size=0.4, test_name="held").split(FRAME)
    assert len(split.train) == 6
    assert set(FRAME["query"].iloc[split.train]) & set(FRAME["query"].iloc[split.tests["held"]]) == set()
    assert len(split.tests["held"]) == 4


@given(st.lists(st.integers(0, 6), min_size=8, max_size=40).filter(lambda groups: len(set(groups)) >= 3))
def test_each_group_is_tested_once(groups):
    frame = pd.DataFrame({"g": groups})
    splits = GroupSplitter("g", fold_count=3).split(frame)
    assert sorted(np.concatenate([split.tests["test"] for split in splits])) == list(range(len(groups)))
    for split in splits:
        assert not set(frame["g"].iloc[split.train]) & set(frame["g"].iloc[split.tests["test"]])
        assert len(split.train) + len(split.tests["test"]) == len(groups)


def test_what_cannot_be_divided():
    with pytest.raises(DatasetError, match=r"^column 'query' has 5 groups, too few for fold_count 6$"):
        GroupSplitter("query", fold_count=6).split(FRAME)
    with pytest.raises(DatasetError, match=r"^column 'query' to split by has 1 missing values; drop or fill them$"):
        GroupSplitter("query").split(FRAME.assign(query=[None, *"abbccddee"]))
    with pytest.raises(DatasetError, match=r"^the data have no column 'user' to split by"):
        GroupSplitter("user").split(FRAME)
    with pytest.raises(TaskDefinitionError, match="test_size is 2"):
        GroupSplitter("query", test_size=2)
