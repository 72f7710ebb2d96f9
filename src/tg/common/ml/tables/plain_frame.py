"""Reads all columns of a frame."""

from collections.abc import Collection, Hashable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .column_types import ColumnTypeError, read_column


@dataclass(frozen=True)
class PlainFrame:
    """A frame of columns that models learn from, as far as there are such.

    Attributes:
        frame: The frame; what cannot be read stands in it as it was.
        unread: Why, by column, such as ``holds values of type 'dict'``.
        empty: The columns of no type, since no value is there.
    """

    frame: pd.DataFrame
    unread: dict[Hashable, str]
    empty: list[Hashable]


def read_frame(frame: pd.DataFrame, as_is: Collection[Hashable] = ()) -> PlainFrame:
    """Does `read_column` for each column.

    Args:
        frame: Columns of distinct names; it is left as it is.
        as_is: Columns that are not to be read.

    Returns:
        Among others the frame: the one given, if all of its columns are plain.
    """
    read: dict[Hashable, Any] = {}
    unread: dict[Hashable, str] = {}
    empty: list[Hashable] = []
    for name in frame.columns:
        if name in as_is:
            continue
        given = frame[name]
        try:
            column = read_column(given)
        except ColumnTypeError as error:
            unread[name] = str(error)
            continue
        if column is not given:
            read[name] = column
            if given.dtype == object and column.dtype.kind == "f" and column.isna().all() and given.isna().all():
                empty.append(name)
    if not read:
        return PlainFrame(frame, unread, empty)
    plain = frame.copy(deep=False)
    for position, name in enumerate(frame.columns):
        if name in read:
            plain.isetitem(position, read[name])
    return PlainFrame(plain, unread, empty)
