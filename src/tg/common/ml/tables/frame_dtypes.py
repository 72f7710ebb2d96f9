"""The dtypes of pandas for Arrow's columns, where its own choice would lose the type of a column without values."""

from typing import Any

import pandas as pd
import pyarrow as pa

from .arrow_types import is_text

# The dtype of text in this version of pandas.
_TEXT: Any = pd.Series(["text"]).dtype


def find_dtype(given: Any) -> Any:
    """Returns the dtype for an Arrow type, None for pandas' own: booleans are nullable, all text has one dtype."""
    if pa.types.is_boolean(given):
        return pd.BooleanDtype()
    return _TEXT if isinstance(_TEXT, pd.StringDtype) and is_text(given) else None
