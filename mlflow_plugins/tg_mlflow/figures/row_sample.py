"""Samples rows for figures and tables."""

import numpy as np
import pandas as pd

MOST_ROWS = 1000


def sample_rows(frame: pd.DataFrame, most: int = MOST_ROWS) -> pd.DataFrame:
    """Returns at most ``most`` rows, in their order and always the same ones."""
    if len(frame) <= most:
        return frame
    chosen = np.random.default_rng(0).choice(len(frame), size=most, replace=False)
    return frame.iloc[np.sort(chosen)]
