"""Looks into a dataset without reading it as a whole: its columns, its size, its first rows, its digest."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import dataset as pads

# Of a SHA-256, in hexadecimal characters: MLflow takes up to 36.
_DIGEST_LENGTH = 32
_CHUNK_BYTES = 1 << 20
# Of a table that is read from its start. In pieces of five rows, 500,000 rows would take six seconds to pass by.
_ROWS_AT_ONCE = 1000
# What numpy's kinds of values become in pandas when one is missing.
_WITH_MISSING = {"i": "float64", "u": "float64", "b": "object"}


def open_parquet(path: Path) -> "pads.Dataset | None":
    """Opens a parquet file, or a folder of them with or without partitions; ``None`` if it is anything else.

    Raises:
        OSError: If it cannot be read.
    """
    try:
        opened = pads.dataset(path, format="parquet", partitioning="hive")
    except pa.ArrowInvalid:
        return None
    return opened if opened.schema.names else None


def read_first_rows(dataset: "pads.Dataset", count: int) -> pd.DataFrame:
    """Reads the first rows as pandas would have them in the whole table.

    There, whole numbers are floats, and booleans are objects, as soon as one is missing, wherever that may be.
    """
    rows = max(count, _ROWS_AT_ONCE)
    scanner = dataset.scanner(batch_size=rows, batch_readahead=0, fragment_readahead=0, use_threads=False)
    frame = scanner.head(count).to_pandas()
    incomplete = find_incomplete_columns(dataset)
    kinds = {name: _WITH_MISSING.get(frame.dtypes[name].kind) for name in frame.columns if name in incomplete}
    plain = {name: kind for name, kind in kinds.items() if kind and isinstance(frame.dtypes[name], np.dtype)}
    return pd.DataFrame(frame.astype(plain))


def find_incomplete_columns(dataset: "pads.Dataset") -> set[str]:
    """The columns that miss values, or may do so because the files do not say."""
    incomplete = set()
    for fragment in dataset.get_fragments():
        for number in range(fragment.metadata.num_row_groups):
            group = fragment.metadata.row_group(number)
            for column in map(group.column, range(group.num_columns)):
                statistics = column.statistics
                if statistics is None or not statistics.has_null_count or statistics.null_count:
                    incomplete.add(column.path_in_schema.partition(".")[0])
    return incomplete


def digest_files(path: Path) -> str:
    """Digests a file's content, or a folder's files and their names, which are the same on every machine.

    Returns:
        32 hexadecimal characters.
    """
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    for file in files:
        if file != path:
            digest.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()[:_DIGEST_LENGTH]
