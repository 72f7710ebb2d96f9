"""Writes scikit-learn's bundled breast-cancer data to datasets/breast_cancer/breast_cancer.parquet."""

from pathlib import Path

from sklearn.datasets import load_breast_cancer

PATH = Path(__file__).parent / "datasets" / "breast_cancer" / "breast_cancer.parquet"


def main() -> None:
    frame = load_breast_cancer(as_frame=True).frame.rename(columns={"target": "benign"})
    PATH.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(PATH)
    print(f"{len(frame)} rows, {len(frame.columns)} columns: {PATH}")


if __name__ == "__main__":
    main()
