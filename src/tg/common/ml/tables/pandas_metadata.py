"""The metadata that pandas writes into files: which columns are the index."""

import json
from collections.abc import Sequence
from typing import Any

_KEY = b"pandas"
# What pandas writes an index without a name as.
_INDEX_PREFIX = "__index_level_"


def unite_metadata(schemas: Sequence[Any]) -> tuple[dict[bytes, bytes] | None, set[str]]:
    """Finds the metadata for the union of several Arrow schemas.

    An index is one of all files, or none of the whole: then its columns without a name are left out.

    Returns:
        Metadata for `pyarrow.Table.to_pandas`, None if there are none; and the columns to leave out.
    """
    notes = list(map(_read_note, schemas))
    indices = [_find_index_columns(note) for note in notes]
    if any(index != indices[0] for index in indices):
        return None, {name for index in indices for name in index if name.startswith(_INDEX_PREFIX)}
    if not notes or not notes[0]:
        return None, set()
    for column in notes[0].get("columns", []):
        if column.get("field_name") not in indices[0]:
            # It asks for a dtype of pandas' own, such as Int64, which need not fit what the union is.
            column["numpy_type"] = "object"
    return {_KEY: json.dumps(notes[0]).encode()}, set()


def find_unnamed_index(schema: Any) -> set[str]:
    """Finds the columns of an Arrow schema that are an index without a name."""
    return {name for name in _find_index_columns(_read_note(schema)) if name.startswith(_INDEX_PREFIX)}


def _read_note(schema: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((schema.metadata or {}).get(_KEY, b"{}"))
    return found


def _find_index_columns(note: dict[str, Any]) -> list[str]:
    # A range is described, and no column.
    return [each for each in note.get("index_columns", []) if isinstance(each, str)]
