"""Writes visits of a made-up shop to datasets/incremental/visits, as many as asked, in parquet files.

    python prepare_data.py                    200,000 rows, 22 MB
    python prepare_data.py --rows 20000000
    python prepare_data.py --gigabytes 10     so many, or a little more

A larger dataset begins with the rows of a smaller one. No more than a row group is in memory.
"""

import argparse
import itertools
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = Path(__file__).parent / "datasets" / "incremental" / "visits"
NUMBERS = [f"x{number:02}" for number in range(10)]
DEVICES = np.array(["phone", "tablet", "laptop", "other"])
GROUP_ROWS, FILE_GROUPS = 50_000, 20


def make_rows(number: int, seed: int) -> pa.Table:
    """Makes the rows of a row group: who came, what is known of the visit, and whether something was bought."""
    random = np.random.default_rng([seed, number])
    numbers = random.normal(size=(len(NUMBERS), GROUP_ROWS))
    device = random.integers(0, len(DEVICES), GROUP_ROWS)
    score = np.linspace(-1, 1, len(NUMBERS)) @ numbers + 0.5 * (device == 0) - 1
    columns = {
        "visitor": random.integers(0, 10**9, GROUP_ROWS),
        **dict(zip(NUMBERS, numbers, strict=True)),
        "device": pa.DictionaryArray.from_arrays(pa.array(device, pa.int8()), DEVICES).cast(pa.string()),
        "bought": (random.random(GROUP_ROWS) < 1 / (1 + np.exp(-score))).astype(np.int8),
    }
    return pa.table(columns)


def write(folder: Path, rows: int | None = None, size: float | None = None, seed: int = 0) -> int:
    """Writes so many rows, or files of so many bytes, in place of what is there; returns how many rows there are."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    written = 0
    for number in itertools.count():
        path = folder / f"part-{number:05}.parquet"
        with pq.ParquetWriter(path, make_rows(0, seed).schema) as file:
            for group in range(number * FILE_GROUPS, (number + 1) * FILE_GROUPS):
                table = make_rows(group, seed)
                if rows is not None:
                    table = table.slice(0, rows - written)
                file.write_table(table)
                written += len(table)
                if written == rows:
                    return written
        size = None if size is None else size - path.stat().st_size
        if size is not None and size <= 0:
            return written
    raise AssertionError("there is always another file")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument("--rows", type=int, default=200_000)
    how_much.add_argument("--gigabytes", type=float)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if (given.gigabytes if given.gigabytes is not None else given.rows) <= 0:
        parser.error("give a number above 0")
    if given.gigabytes is None:
        written = write(FOLDER, rows=given.rows, seed=given.seed)
    else:
        written = write(FOLDER, size=given.gigabytes * 1e9, seed=given.seed)
    print(f"{written} rows: {FOLDER}")


if __name__ == "__main__":
    main()
