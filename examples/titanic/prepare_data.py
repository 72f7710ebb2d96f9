"""Writes the Titanic's passengers to datasets/titanic_project/titanic.parquet.

    python prepare_data.py [titanic.csv]

The CSV has the columns of Kaggle's training file. Without one, the data are fetched from OpenML.
"""

import sys
from pathlib import Path

import pandas as pd
from sklearn.datasets import fetch_openml

PATH = Path(__file__).parent / "datasets" / "titanic_project" / "titanic.parquet"
FEATURES = ["Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Embarked"]
NUMBERS = ["Pclass", "SibSp", "Parch", "Survived"]


def read_passengers(csv: str | None) -> pd.DataFrame:
    """Reads one row a passenger, with the features and ``Survived``."""
    if csv is not None:
        frame = pd.read_csv(csv).set_index("PassengerId")
    else:
        frame = fetch_openml("titanic", version=1, as_frame=True).frame
        frame.columns = [name.capitalize() for name in frame.columns]
        frame = frame.rename(columns={"Sibsp": "SibSp"}).rename_axis("PassengerId")
    frame = frame[[*FEATURES, "Survived"]]
    return frame.astype({name: float for name in NUMBERS})


def main() -> None:
    frame = read_passengers(sys.argv[1] if len(sys.argv) > 1 else None)
    PATH.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(PATH)
    print(f"{len(frame)} rows, {len(frame.columns)} columns: {PATH}")


if __name__ == "__main__":
    main()
