"""Describes a task as text for people, without its secrets."""

import json
from collections.abc import Mapping
from typing import Any

from ....ml.training_core import AbstractTrainingTask
from ....secrets import MASK, SecretMask, is_hidden, looks_secret, reveal
from ....secrets.forms import SHORTEST_SECRET


def describe_task(task: AbstractTrainingTask, mask: SecretMask) -> str:
    """Describes a task as JSON, as jsonpickle does, or by its own words if it has a method ``describe``.

    Types that hide their value, such as pydantic's ``SecretStr``, are written as ``***``; so are copies of the same
    text elsewhere in the task, and fields of named tuples that are called a password or the like.

    Args:
        task: The task.
        mask: Other secrets.
    """
    if (describe := getattr(task, "describe", None)) is not None:
        return mask.mask(json.dumps(_mask_named(describe(), mask), indent=2, ensure_ascii=False, default=str))
    import jsonpickle

    held = set[str]()

    class HidingPickler(jsonpickle.pickler.Pickler):  # type: ignore[misc]
        """Sees each part before it is written."""

        def _flatten(self, obj: Any) -> Any:
            if is_hidden(obj):
                held.update(_read_secret(obj))
                return MASK
            held.update(_read_named(obj))
            return super()._flatten(obj)

    text = jsonpickle.encode(task, keys=True, context=HidingPickler(keys=True))
    return mask.mask(SecretMask(held).mask(text))


def _mask_named(value: Any, mask: SecretMask) -> Any:
    """Masks the texts in mappings whose names look secret, at any depth."""
    if isinstance(value, Mapping):
        texts = mask.mask_named({name: each for name, each in value.items() if isinstance(each, str)})
        return {name: texts.get(name, _mask_named(each, mask)) for name, each in value.items()}
    return [_mask_named(each, mask) for each in value] if isinstance(value, list) else value


def _read_secret(value: Any) -> set[str]:
    try:
        return _texts_of(reveal(value))
    except Exception:  # noqa: BLE001 - of a foreign type; without its value there is nothing to look for
        return set()


def _read_named(value: Any) -> set[str]:
    """Returns a named tuple's fields that are called a password or the like: jsonpickle drops their names."""
    if not (isinstance(value, tuple) and hasattr(value, "_fields")):
        return set()
    named = zip(value._fields, value, strict=False)
    return set[str]().union(*(_texts_of(each) for name, each in named if looks_secret(str(name))))


def _texts_of(secret: Any) -> set[str]:
    if isinstance(secret, bytes):
        secret = secret.decode(errors="replace")
    # Short texts would be found in many words.
    return {secret} if isinstance(secret, str) and len(secret) >= SHORTEST_SECRET else set()
