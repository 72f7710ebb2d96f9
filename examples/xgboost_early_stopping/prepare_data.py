"""Writes scikit-learn's bundled pictures of digits to datasets/xgboost_early_stopping/digits.parquet."""

from pathlib import Path

from sklearn.datasets import load_digits

PATH = Path(__file__).parent / "datasets" / "xgboost_early_stopping" / "digits.parquet"


def main() -> None:
    frame = load_digits(as_frame=True).frame.rename(columns={"target": "digit"})
    PATH.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(PATH)
    print(f"{len(frame)} rows, {len(frame.columns)} columns: {PATH}")


if __name__ == "__main__":
    main()
