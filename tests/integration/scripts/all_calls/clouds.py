"""The data of the training, read from a file of the project."""

from pathlib import Path

import pandas as pd

DATA = Path(__file__).with_name("data") / "clouds.csv"


def read_clouds() -> pd.DataFrame:
    return pd.read_csv(DATA)
