"""Divides rows by a hash of their keys, so that each row can be placed without a look at any other one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import DatasetError, TaskDefinitionError, listed

Hashes = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
# The hash of a key that is missing, before it is mixed.
_MISSING = np.uint64(0x6D697373696E6721)


class HashSplit:
    """Tests on about a share of the rows: those whose key has a hash below it.

    Where a row belongs depends on its key and the seed alone, not on the other rows, their order, the batches, or the
    machines that read them. Rows of the same key are together, such as all orders of a customer; so are all rows
    without a key.

    Args:
        by: The column, or columns, that are a row's key: whole numbers, booleans, text, dates or times. By default, the
            key is the row's position in the dataset, which changes if files are added before others.
        test_share: The share of the keys that are tested, from 0 up to 1; with 0, all rows are learned from.
        seed: Other seeds give other divisions.
    """

    def __init__(self, by: str | Sequence[str] = (), test_share: float = 0.1, seed: int = 0) -> None:
        self.by = by
        self.test_share = test_share
        self.seed = seed
        self.check()

    @property
    def columns(self) -> list[str]:
        """The names of the key's columns."""
        return [self.by] if isinstance(self.by, str) else list(self.by)

    def check(self) -> None:
        """Checks the options; called again before they are used, as hyperparameters may have changed them.

        Raises:
            TaskDefinitionError: If one is invalid.
        """
        share: Any = self.test_share
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share < 1:
            raise TaskDefinitionError(f"the split's test_share is {share!r}; give a number from 0, below 1")
        seed: Any = self.seed
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
            raise TaskDefinitionError(f"the split's seed is {seed!r}; give a whole number from 0")

    def check_columns(self, names: Sequence[str]) -> None:
        """Checks that a table has the columns of the key.

        Raises:
            DatasetError: If it lacks one.
        """
        if absent := [name for name in self.columns if name not in names]:
            raise DatasetError(f"the split's columns {listed(absent)} are not in the data, which have {listed(names)}")

    def find_tested(self, rows: Any, positions: "npt.NDArray[np.int64]") -> "npt.NDArray[np.bool_]":
        """Returns which rows are tested, of shape ``(n_rows,)``.

        Args:
            rows: An Arrow table with the columns of the key.
            positions: Each row's position in the dataset.

        Raises:
            DatasetError: If a column is of a type that is no key.
        """
        hashes = _mix(np.full(len(positions), self.seed, np.uint64))
        for key in [_hash_column(name, rows[name]) for name in self.columns] or [positions.view(np.uint64)]:
            hashes = _mix(hashes ^ key)
        # The upper 53 bits, which a float holds exactly.
        return np.asarray((hashes >> np.uint64(11)) < np.uint64(round(self.test_share * 2**53)))


def _mix(values: Hashes) -> Hashes:
    """Spreads 64 bits over 64 bits: one step of SplitMix64 (Steele, Lea and Flood, 2014)."""
    values = values + _GOLDEN
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _hash_column(name: str, column: Any) -> Hashes:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind, missing = column.type, column.is_null().to_numpy() if column.null_count else None
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = np.asarray(column.fill_null("").to_pylist(), dtype=object)
        hashes = np.asarray(pd.util.hash_array(texts, categorize=False), dtype=np.uint64)
    else:
        hashes = _read_whole(name, column).view(np.uint64)
    if missing is not None:
        hashes = np.where(missing, _MISSING, hashes)
    return hashes


def _read_whole(name: str, column: Any) -> "npt.NDArray[Any]":
    """Returns a key's column as whole numbers of 64 bits, 0 where it is missing."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        column = pc.cast(column, pa.timestamp("us"), safe=False).cast(pa.int64())
    elif kind == pa.uint64():
        return np.array(column.fill_null(0).to_numpy())
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        column = column.cast(pa.int64())
    else:
        raise DatasetError(
            f"the split's column {name!r} is of the type {kind}, which is no key; give whole numbers, text or times"
        )
    return np.array(column.fill_null(0).to_numpy())
