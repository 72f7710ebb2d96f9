"""Finds the common type of two, for a column whose type differs between files."""

from typing import Any

import pyarrow as pa

from .arrow_types import is_text

_UNITS = ("s", "ms", "us", "ns")


def unite_types(one: Any, other: Any) -> Any:
    """Returns the Arrow type for a column of both types; None if there is none.

    With nothing (Arrow's ``null``) any type fits, with whole numbers floats and decimals do, with dates timestamps
    without a zone, with a dictionary its values. Of sizes and units it is the larger and the finer one. Timestamps of
    two zones are in UTC.
    """
    types = pa.types
    if one == other or types.is_null(other):
        return one
    if types.is_null(one):
        return other
    if types.is_dictionary(one) or types.is_dictionary(other):
        return _unite_dictionaries(one, other)
    if _is_number(one) and _is_number(other):
        return _unite_numbers(one, other)
    if _is_moment(one) and _is_moment(other):
        return _unite_moments(one, other)
    if types.is_duration(one) and types.is_duration(other):
        return pa.duration(_finer(one.unit, other.unit))
    if types.is_time(one) and types.is_time(other):
        return pa.time64("ns")
    if is_text(one) and is_text(other):
        return pa.large_string()
    if types.is_nested(one) and types.is_nested(other):
        return _unite_nested(one, other)
    return None


def _unite_dictionaries(one: Any, other: Any) -> Any:
    both = pa.types.is_dictionary(one) and pa.types.is_dictionary(other)
    value = unite_types(*(each.value_type if pa.types.is_dictionary(each) else each for each in (one, other)))
    return pa.dictionary(pa.int32(), value, one.ordered and other.ordered) if both and value is not None else value


def _is_number(given: Any) -> bool:
    return bool(pa.types.is_integer(given) or pa.types.is_floating(given) or pa.types.is_decimal(given))


def _unite_numbers(one: Any, other: Any) -> Any:
    types = pa.types
    if types.is_floating(one) and types.is_floating(other):
        return max(one, other, key=lambda each: each.bit_width)
    if not (types.is_integer(one) and types.is_integer(other)):
        return pa.float64()
    if types.is_signed_integer(one) == types.is_signed_integer(other):
        return max(one, other, key=lambda each: each.bit_width)
    # No whole numbers hold both what is below zero and what is beyond the largest int64.
    return pa.float64() if pa.uint64() in (one, other) else pa.int64()


def _is_moment(given: Any) -> bool:
    return bool(pa.types.is_timestamp(given) or pa.types.is_date(given))


def _unite_moments(one: Any, other: Any) -> Any:
    zones = [each.tz if pa.types.is_timestamp(each) else None for each in (one, other)]
    if (zones[0] is None) != (zones[1] is None):
        return None
    units = [each.unit if pa.types.is_timestamp(each) else "us" for each in (one, other)]
    return pa.timestamp(_finer(*units), zones[0] if zones[0] == zones[1] else "UTC")


def _finer(one: str, other: str) -> str:
    return max(one, other, key=_UNITS.index)


def _unite_nested(one: Any, other: Any) -> Any:
    schemas = [pa.schema([("column", each)]) for each in (one, other)]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except pa.ArrowException:
        return None
