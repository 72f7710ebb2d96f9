"""Inspects a dataset: whether it is a table, and its digest."""

import hashlib
import os
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from tg.common.errors import DatasetError
from tg.common.ml.tables.csv_part import find_csv_suffix
from tg.common.ml.tables.table import Table, open_table

# Hexadecimal characters of a SHA-256: MLflow accepts up to 36.
_DIGEST_LENGTH = 32
_CHUNK_BYTES = 1 << 20
# The columns of a CSV file are only known after reading all of it; larger ones are not worth it.
_MOST_CSV_BYTES = 500_000_000

_digesting = threading.Lock()


def open_dataset(path: Path) -> Table | None:
    """Opens a parquet or CSV file, or a folder of them; ``None`` if it is anything else, damaged, or not one table.

    CSV files of more than 500 MB are not opened.

    Raises:
        OSError: If it does not exist, or a file of it cannot be read.
    """
    path.stat()
    if sum(size for file, size, _ in _list_files(path) if find_csv_suffix(Path(file))) > _MOST_CSV_BYTES:
        return None
    try:
        table = open_table(path)
    except DatasetError:
        return None
    return table if table.schema.names else None


def digest_files(path: Path) -> str:
    """Digests a file's content, or a folder's files and their relative names, the same on every machine.

    The digest is cached while sizes and times are the same, as a sweep uses one dataset, also at once in several
    threads.

    Returns:
        32 hexadecimal characters.
    """
    with _digesting:
        return _digest(path, tuple(_list_files(path)))


def has_changed_since(path: Path, time_ms: int) -> bool:
    """Whether a file, or one in a folder, was written after a time, in milliseconds since 1970 (UTC).

    Raises:
        OSError: If it does not exist.
    """
    return any(written_ns > time_ms * 1_000_000 for _, _, written_ns in _list_files(path))


def count_bytes(path: Path) -> int:
    """Returns the size of a file, or of all files in a folder.

    Raises:
        OSError: If it does not exist.
    """
    return sum(size for _, size, _ in _list_files(path))


def _list_files(path: Path) -> list[tuple[str, int, int]]:
    """Lists a file, or the files of a folder in the order of their paths, each with its size and time."""
    if path.is_file():
        return [_describe(str(path), path.stat())]
    found = sorted(_walk_files(path), key=lambda each: each.path.split(os.sep))
    return [_describe(each.path, each.stat()) for each in found]


def _walk_files(folder: str | Path, above: tuple[str, ...] = ()) -> Iterator["os.DirEntry[str]"]:
    """Yields all files below a folder, also behind links, as a training may read them; not those of a folder above."""
    place = os.path.realpath(folder)
    if place in above:
        return
    with os.scandir(folder) as scanned:
        entries = list(scanned)
    for each in entries:
        if each.is_dir():
            yield from _walk_files(each.path, (*above, place))
        elif each.is_file():
            yield each


def _describe(file: str, stat: os.stat_result) -> tuple[str, int, int]:
    return file, stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=32)
def _digest(path: Path, files: "tuple[tuple[str, int, int], ...]") -> str:
    digest = hashlib.sha256()
    for file, size, _ in files:
        if file != str(path):
            name = Path(file).relative_to(path).as_posix()
            digest.update(f"{name}\0{size}\0".encode("utf-8", "surrogateescape"))
        with open(file, "rb") as opened:
            while chunk := opened.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()[:_DIGEST_LENGTH]
