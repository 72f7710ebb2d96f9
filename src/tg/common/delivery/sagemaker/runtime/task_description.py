"""Writes a task as text for people to read, without the secrets that it holds."""

import re
from typing import Any

from ....ml.training_core import AbstractTrainingTask
from ....secret_forms import SHORTEST_SECRET
from ....secret_mask import MASK, SecretMask, looks_secret

# Types that hide their value in what they print, and do not have pydantic's method that gives it.
_SECRET_TYPE = re.compile(r"_?(Secret(Str|String|Bytes|Text|Value)?|Password)")


def describe_task(task: AbstractTrainingTask, mask: SecretMask) -> str:
    """Writes a task as JSON, as jsonpickle does.

    What hides its value, such as pydantic's ``SecretStr``, wherever it is, is written as ``***``; so is the same text
    elsewhere in the task, such as a copy that another part keeps, and what a named tuple calls a password.

    Args:
        task: The task.
        mask: What is secret besides.
    """
    import jsonpickle

    held = set[str]()

    class HidingPickler(jsonpickle.pickler.Pickler):  # type: ignore[misc]
        """Sees each part before it is written."""

        def _flatten(self, obj: Any) -> Any:
            if _is_secret(obj):
                held.update(_read_secret(obj))
                return MASK
            held.update(_read_named(obj))
            return super()._flatten(obj)

    text = jsonpickle.encode(task, keys=True, context=HidingPickler(keys=True))
    return mask.mask(SecretMask(held).mask(text))


def _is_secret(value: Any) -> bool:
    kind = type(value)
    return hasattr(kind, "get_secret_value") or _SECRET_TYPE.fullmatch(kind.__name__) is not None


def _read_secret(value: Any) -> set[str]:
    try:
        secret = value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
    except Exception:  # noqa: BLE001 - of a type that others have made; without its value there is nothing to look for
        return set()
    return _texts_of(secret)


def _read_named(value: Any) -> set[str]:
    """What a named tuple, which is written without its names, calls a password or the like."""
    if not (isinstance(value, tuple) and hasattr(value, "_fields")):
        return set()
    named = zip(value._fields, value, strict=False)
    return set[str]().union(*(_texts_of(each) for name, each in named if looks_secret(str(name))))


def _texts_of(secret: Any) -> set[str]:
    if isinstance(secret, bytes):
        secret = secret.decode(errors="replace")
    # What is short would be found in many words.
    return {secret} if isinstance(secret, str) and len(secret) >= SHORTEST_SECRET else set()
