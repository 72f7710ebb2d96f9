"""Converts Arrow's arrays to types that a model can learn from."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6}


def plain_type(given: Any) -> Any:
    """Returns the Arrow type as which a column of the type ``given`` is read; None if there is none.

    Arrow's ``null`` stays, so that the frame's builder can report that it is empty.
    """
    types = pa.types
    if types.is_dictionary(given):
        value = plain_type(given.value_type)
        return value if value is None or types.is_null(value) else pa.dictionary(pa.int32(), value, given.ordered)
    if _is_run_end_encoded(given):
        return plain_type(given.value_type)
    if types.is_float16(given):
        return pa.float32()
    if types.is_decimal(given) or types.is_time(given):
        return pa.float64()
    if types.is_date(given):
        return pa.timestamp("us")
    is_plain = (
        types.is_null(given)
        or types.is_boolean(given)
        or types.is_integer(given)
        or types.is_floating(given)
        or types.is_timestamp(given)
        or types.is_duration(given)
        or is_text(given)
    )
    return given if is_plain else None


def is_text(given: Any) -> bool:
    """Returns whether a type is one of Arrow's for text."""
    return bool(
        pa.types.is_string(given)
        or pa.types.is_large_string(given)
        or getattr(pa.types, "is_string_view", lambda _: False)(given)
    )


def read_array(array: Any, target: Any) -> Any:
    """Reads a chunked array as ``target``, a plain type that its own type fits in.

    Raises:
        pyarrow.ArrowException: A value does not fit, such as the year 9999 in nanoseconds.
    """
    own = array.type
    if pa.types.is_null(own):
        return pa.chunked_array([pa.nulls(len(array), target)])
    if pa.types.is_dictionary(target):
        return _read_dictionary(array, target)
    if own == target:
        return array
    if pa.types.is_dictionary(own):
        return read_array(pa.chunked_array([each.dictionary_decode() for each in array.chunks], own.value_type), target)
    if _is_run_end_encoded(own):
        decoded = [pc.run_end_decode(each) for each in array.chunks]
        return read_array(pa.chunked_array(decoded, own.value_type), target)
    if pa.types.is_decimal(own):
        # Arrow's own cast sometimes misses the nearest float, as 3 * 0.1 does; casting text never does.
        return array.cast(pa.string()).cast(target)
    if pa.types.is_time(own):
        whole = array.cast(pa.int32() if own.bit_width == 32 else pa.int64())
        if own.unit == "ns":  # what is below a microsecond is lost in pandas, too
            return pc.divide(pc.divide(whole, 1000).cast(pa.float64()), _PER_SECOND["us"])
        return pc.divide(whole.cast(pa.float64()), _PER_SECOND[own.unit])
    # Beyond 2**53, floats are not exact for whole numbers, nor if pandas creates them because values are missing.
    return array.cast(target, safe=not (pa.types.is_integer(own) and pa.types.is_floating(target)))


def _read_dictionary(array: Any, target: Any) -> Any:
    own = array.type
    if pa.types.is_dictionary(own) and own.value_type == target.value_type and not _has_null_category(array):
        return array if own.ordered == target.ordered else _encode(array.cast(own.value_type), target)
    return _encode(read_array(array, target.value_type), target)


def _encode(array: Any, target: Any) -> Any:
    encoded = array.dictionary_encode()
    if not target.ordered:
        return encoded
    chunks = [pa.DictionaryArray.from_arrays(each.indices, each.dictionary, ordered=True) for each in encoded.chunks]
    return pa.chunked_array(chunks, target)


def _has_null_category(array: Any) -> bool:
    return any(each.dictionary.null_count for each in array.chunks)


def _is_run_end_encoded(given: Any) -> bool:
    return bool(getattr(pa.types, "is_run_end_encoded", lambda _: False)(given))
