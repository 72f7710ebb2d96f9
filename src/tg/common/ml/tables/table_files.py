"""Finds the files of a dataset, and the partitions in the names of their folders."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from ...errors import DatasetError
from .csv_part import CsvPart, find_csv_suffix
from .parquet_part import ParquetPart
from .table_part import TablePart

# Hive's name of the folder of rows without a value.
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def open_parts(dataset: Path) -> list[TablePart]:
    """Opens a file, or all files of a folder and of the folders in it, in the order of their paths.

    Files and folders whose names begin with ``_`` or ``.`` are skipped, as are checksums (``.crc``). A file is CSV by
    its name, and parquet otherwise. Folders named ``<column>=<value>`` are partitions.

    Raises:
        DatasetError: A file cannot be read, or its name is not UTF-8, or there are parquet and CSV files in one folder.
    """
    if not dataset.is_dir():
        return [_open_part(dataset, dataset)]
    paths = _find_files(dataset)
    first = {find_csv_suffix(path) is not None: path.relative_to(dataset) for path in reversed(paths)}
    if len(first) > 1:
        raise DatasetError(
            f"the dataset {str(dataset)!r} has parquet and CSV files, such as {str(first[False])!r} and "
            f"{str(first[True])!r}; give each kind a folder of its own"
        )
    return [_open_part(path, dataset) for path in paths]


def walk_files(folder: Path, is_skipped: Callable[[str], bool] = lambda name: False) -> Iterator["os.DirEntry[str]"]:
    """Yields the files of a folder and of the folders in it, in no particular order; links to folders are not followed.

    Args:
        folder: The folder; of one that may not be read, there is nothing.
        is_skipped: Whether a file or folder of a name is left out.
    """
    try:
        with os.scandir(folder) as scanned:
            entries = [each for each in scanned if not is_skipped(each.name)]
    except PermissionError:
        return
    for each in entries:
        if each.is_dir(follow_symlinks=False):
            yield from walk_files(Path(each.path), is_skipped)
        elif each.is_file():
            yield each


def _find_files(dataset: Path) -> list[Path]:
    found = (Path(each.path) for each in walk_files(dataset, _is_hidden))
    return sorted(path for path in found if path.suffix.lower() != ".crc")


def _is_hidden(name: str) -> bool:
    # A partition's column may begin with an underscore.
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _open_part(path: Path, dataset: Path) -> TablePart:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        name = "" if path == dataset else f"the file {str(path.relative_to(dataset))!r} of "
        raise DatasetError(f"{name}the dataset {str(dataset)!r} has a name that is not UTF-8; rename it") from error
    kind = ParquetPart if find_csv_suffix(path) is None else CsvPart
    return kind(path, dataset, _read_partition(path.relative_to(dataset).parts[:-1]) if path != dataset else {})


def _read_partition(folders: Sequence[str]) -> dict[str, str | None]:
    pairs = (folder.partition("=") for folder in folders if "=" in folder)
    return {unquote(name): None if value == _NO_VALUE else unquote(value) for name, _, value in pairs}
