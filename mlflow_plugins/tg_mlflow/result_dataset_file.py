"""Looks into a dataset without reading it as a whole: its columns, its size, its first rows, its digest."""

import hashlib
from functools import lru_cache
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
        # What folders are named by are categories, as in pandas.
        partitioning = pads.HivePartitioning.discover(infer_dictionary=True)
        opened = pads.dataset(path, format="parquet", partitioning=partitioning)
    except pa.ArrowInvalid:
        return None
    return opened if opened.schema.names else None


def read_first_rows(dataset: "pads.Dataset", count: int) -> pd.DataFrame:
    """Reads the first rows as pandas would have them in the whole table.

    There, whole numbers are floats, and booleans are objects, as soon as one is missing, wherever that may be.
    """
    frame = _scan_first_rows(dataset, count).to_pandas()
    incomplete = find_incomplete_columns(dataset)
    kinds = {name: _WITH_MISSING.get(frame.dtypes[name].kind) for name in frame.columns if name in incomplete}
    plain = {name: kind for name, kind in kinds.items() if kind and isinstance(frame.dtypes[name], np.dtype)}
    return pd.DataFrame(frame.astype(plain))


def _scan_first_rows(dataset: "pads.Dataset", count: int) -> "pa.Table":
    # By row groups: a scanner of the whole has read gigabytes ahead before it gives the first rows.
    options = pads.ParquetFragmentScanOptions(use_buffered_stream=True, pre_buffer=False)
    found = [dataset.schema.empty_table()]
    for fragment in dataset.get_fragments():
        for group in fragment.split_by_row_group():
            scanner = group.scanner(
                schema=dataset.schema,
                batch_size=max(count, _ROWS_AT_ONCE),
                batch_readahead=0,
                fragment_readahead=0,
                use_threads=False,
                fragment_scan_options=options,
            )
            found.append(scanner.head(count - sum(map(len, found))))
            if sum(map(len, found)) == count:
                return pa.concat_tables(found)
    return pa.concat_tables(found)


def find_incomplete_columns(dataset: "pads.Dataset") -> set[str]:
    """The columns that miss values, or may do so because the files do not say."""
    names = set(dataset.schema.names)
    fragments = list(dataset.get_fragments())
    present = [names.intersection(fragment.metadata.schema.to_arrow_schema().names) for fragment in fragments]
    # What some files lack, not all: that is what their folders are named by.
    incomplete = set[str]().union(*present).difference(names.intersection(*present))
    for fragment in fragments:
        for number in range(fragment.metadata.num_row_groups):
            group = fragment.metadata.row_group(number)
            for column in map(group.column, range(group.num_columns)):
                statistics = column.statistics
                if statistics is None or not statistics.has_null_count or statistics.null_count:
                    parts = column.path_in_schema.split(".")  # of a nested column's parts; a name may have dots, too
                    paths = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
                    incomplete.add(next((path for path in paths if path in names), parts[0]))
    return incomplete


def digest_files(path: Path) -> str:
    """Digests a file's content, or a folder's files and their names, which are the same on every machine.

    What has been digested before is not read again while sizes and times are the same: a sweep is on one dataset.

    Returns:
        32 hexadecimal characters.
    """
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    stats = [(file, file.stat()) for file in files]
    return _digest(path, tuple((file, stat.st_size, stat.st_mtime_ns) for file, stat in stats))


@lru_cache(maxsize=8)
def _digest(path: Path, files: "tuple[tuple[Path, int, int], ...]") -> str:
    digest = hashlib.sha256()
    for file, size, _ in files:
        if file != path:
            digest.update(f"{file.relative_to(path).as_posix()}\0{size}\0".encode())
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()[:_DIGEST_LENGTH]
