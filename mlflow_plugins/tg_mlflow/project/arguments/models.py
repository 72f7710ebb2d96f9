"""Reads types that pydantic knows: models, dataclasses, typed dictionaries, URLs, UUIDs and the like."""

import json
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

from tg_mlflow.project.arguments.literals import UNDECODED, WrittenText, decode
from tg_mlflow.project.arguments.scalars import as_plain, validating


def adapt(wanted: Any) -> "TypeAdapter[Any] | None":
    """Returns pydantic's reader of a type; ``None`` for types that pydantic does not know."""
    try:
        return TypeAdapter(wanted)
    except (PydanticUserError, PydanticUndefinedAnnotation):
        return None  # such as a class that pydantic does not know


def read_by_pydantic(value: Any, wanted: Any) -> Any:
    """Reads a text as it is written, or a part of what has been decoded; of an unknown class it is kept as it is.

    Raises:
        ValueError: If it is not such a value.
    """
    adapter = adapt(wanted)
    if adapter is None:
        return as_plain(value)  # its own code has to read it
    decoded = decode(value)
    if isinstance(value, WrittenText):
        try:
            return validating(adapter.validate_strings, str(value))
        except ValueError:
            if decoded is UNDECODED or isinstance(decoded, str):
                raise
    try:
        text = json.dumps(decoded, default=list)
    except (TypeError, ValueError) as error:
        raise ValueError(f"write it as JSON: {error}") from error
    return validating(adapter.validate_json, text)
