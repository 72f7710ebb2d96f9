import numpy as np
import pandas as pd

from tg_mlflow.figures.row_sample import MOST_ROWS, sample_rows


def test_a_few_rows_are_all_taken() -> None:
    frame = pd.DataFrame({"x": range(MOST_ROWS)})
    assert sample_rows(frame) is frame


def test_of_many_rows_always_the_same_are_taken_in_their_order() -> None:
    frame = pd.DataFrame({"x": range(5_000)}, index=np.arange(5_000)[::-1])
    sample = sample_rows(frame)
    assert len(sample) == 1_000
    assert sample["x"].is_monotonic_increasing
    assert sample["x"].is_unique
    assert (sample.index == 4_999 - sample["x"]).all()
    pd.testing.assert_frame_equal(sample_rows(frame), sample)
    assert 400 < (sample["x"] < 2_500).sum() < 600  # of the whole table, not its beginning


def test_how_many_may_be_given() -> None:
    assert len(sample_rows(pd.DataFrame({"x": range(8)}), 7)) == 7
