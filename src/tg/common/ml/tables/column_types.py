"""Defines how a column of any type is read.

====================================================  ==========================================================
a column of                                           is read as
====================================================  ==========================================================
whole numbers, of numpy, nullable or Arrow            the same; ``float64`` where values are missing
floats                                                the same; half floats as ``float32``
DECIMAL of any width, ``decimal.Decimal`` objects     ``float64``, the float nearest to each
booleans                                              ``bool``; pandas' ``boolean`` where values are missing
DATE, ``datetime.date`` objects                       ``datetime64``, its midnight
timestamps                                            ``datetime64`` in their own unit
timestamps with a zone                                the same, in their zone; in UTC where objects are of several zones
time of day                                           ``float64``, seconds since midnight, to the microsecond
durations                                             ``timedelta64``
text of any kind                                      the same; Arrow's as pandas reads it from parquet
dictionaries, categories                              ``category``, its values read as above
nothing at all (Arrow's ``null``, objects of None)    ``float64``, NaN
====================================================  ==========================================================

Objects are judged by their values: all of one of these kinds, or numbers of several, apart from what is missing. For
everything else there is no such reading: lists, structs, maps, bytes, complex numbers, periods, intervals, types of
other packages, and objects of several kinds, such as text beside numbers.
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ...exception_text import first_line_of
from .arrow_types import plain_type, read_array
from .column_type_error import ColumnTypeError
from .frame_dtypes import find_dtype
from .object_columns import read_objects

# What may be a category besides text, numbers and times: pandas makes intervals by `cut`.
_CATEGORIES = (pd.IntervalDtype, pd.PeriodDtype)
__all__ = ["ColumnTypeError", "read_column"]


def read_column(series: "pd.Series[Any]") -> "pd.Series[Any]":
    """Reads a column as the table above says.

    Args:
        series: A column of n values.

    Returns:
        A column of the same name and index; ``series`` itself if it is plain already.

    Raises:
        ColumnTypeError: It has no such reading. The message is a reason that follows on the column's name, such as
            ``holds values of type 'dict'``.
    """
    dtype: Any = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _read_category(series)
    if isinstance(dtype, pd.ArrowDtype):
        return _read_arrow(series)
    if pd.api.types.is_object_dtype(dtype):
        return read_objects(series)
    if isinstance(dtype, (pd.StringDtype, pd.DatetimeTZDtype)):
        return series
    if dtype.kind not in "biufmM":
        raise ColumnTypeError(f"is of the type {dtype}")
    if dtype == np.float16:
        return series.astype(np.float32)
    if isinstance(dtype, (np.dtype, pd.SparseDtype)):
        return series
    return _read_nullable(series)


def _read_nullable(series: "pd.Series[Any]") -> "pd.Series[Any]":
    numpy_dtype = getattr(series.dtype, "numpy_dtype", None)
    if not isinstance(numpy_dtype, np.dtype) or numpy_dtype.kind not in "biuf":
        raise ColumnTypeError(f"is of the type {series.dtype}")
    if not series.isna().any():
        return series.astype(numpy_dtype)
    if numpy_dtype.kind == "b":
        return series
    kind = numpy_dtype if numpy_dtype.kind == "f" else np.dtype(np.float64)
    return pd.Series(series.to_numpy(dtype=kind, na_value=np.nan), index=series.index, name=series.name)


def _read_arrow(series: "pd.Series[Any]") -> "pd.Series[Any]":
    array = pa.array(series.array)
    target = plain_type(array.type)
    if target is None:
        raise ColumnTypeError(f"is of the type {array.type}")
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    try:
        read = read_array(chunked, target).to_pandas(types_mapper=find_dtype)
    except pa.ArrowException as error:
        raise ColumnTypeError(f"is of the type {array.type} and cannot be read ({first_line_of(error)})") from error
    return read_column(pd.Series(read.array, index=series.index, name=series.name))


def _read_category(series: "pd.Series[Any]") -> "pd.Series[Any]":
    categories = series.cat.categories
    if isinstance(categories.dtype, _CATEGORIES) or not len(categories):
        return series
    own = pd.Series(categories)
    read = read_column(own)
    if read is own:
        return series
    # Two decimals may be one float.
    if not read.is_unique:
        return pd.Series(read.to_numpy()[series.cat.codes], index=series.index, name=series.name).where(series.notna())
    return series.cat.rename_categories(pd.Index(read))
