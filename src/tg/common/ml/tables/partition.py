"""A column from the names of folders."""

from collections.abc import Collection
from typing import Any

import pyarrow as pa


class Partition:
    """A column of categories: whole numbers if all of its values are, else text.

    Args:
        values: The values as they stand in the names of folders.
    """

    def __init__(self, values: Collection[str]) -> None:
        try:
            numbers = {value: int(value) for value in values}
            self._values: Any = pa.array(sorted(set(numbers.values())), pa.int32())
        except (ValueError, OverflowError, pa.ArrowInvalid):
            self._values = pa.array(sorted(values), pa.string())
            self._codes = {value: code for code, value in enumerate(sorted(values))}
        else:
            places = {number: code for code, number in enumerate(self._values.to_pylist())}
            self._codes = {value: places[number] for value, number in numbers.items()}
        self.type: Any = pa.dictionary(pa.int32(), self._values.type)

    def repeat(self, value: str | None, count: int) -> Any:
        """Builds the column for ``count`` rows of a file in the folder of ``value``; None is missing."""
        codes = pa.repeat(pa.scalar(None if value is None else self._codes[value], pa.int32()), count)
        return pa.chunked_array([pa.DictionaryArray.from_arrays(codes, self._values)])
