"""Names of metrics that MLflow takes for names that it does not."""

import json
import re
from collections.abc import Mapping

from tg.common.secrets import SecretMask

_REFUSED_CHARACTERS = re.compile(r"[^/\w.\- :]")
# What is no part of a path may come to its end where a long name is cut.
_DANGLING_END = re.compile(r"/\.{0,2}$")
_LONGEST_KEY = 250
_LONGEST_TAG = 8000
# So many characters take less than 8000 as JSON, with a key before them.
_LONGEST_PIECE = 1200


class MetricNames:
    """Maps the names of one run's metrics to keys that MLflow accepts; different names have different keys.

    MLflow takes letters, digits and ``/ _ . - : space``, and a name must read as a plain relative path. What it refuses
    becomes ``_``, and so does the first of two dots at the beginning; parts of a path that are empty or dots go. Where
    two names come to the same key, the second one is followed by ``-2``, and so on, in the order they are seen in.

    Args:
        mask: Secrets, which keys and names are without.

    Attributes:
        changed: The names as the training wrote them, by key, where the two differ, in that order.
    """

    def __init__(self, mask: SecretMask | None = None) -> None:
        self.changed: dict[str, str] = {}
        self._mask = mask or SecretMask()
        self._keys: dict[str, str] = {}
        self._taken: set[str] = set()
        self._counts: dict[str, int] = {}

    def key_of(self, name: str) -> str:
        """The key of a metric, the same one each time."""
        key = self._keys.get(name)
        if key is None:
            shown = self._mask.mask(name)
            key = self._keys[name] = self._find_key(shown)
            self._taken.add(key)
            if key != shown:
                self.changed[key] = shown
        return key

    def _find_key(self, name: str) -> str:
        parts = [part for part in _REFUSED_CHARACTERS.sub("_", name).split("/") if part not in ("", ".", "..")]
        stem = "/".join(parts) or "_"
        if stem.startswith(".."):
            stem = f"_{stem[1:]}"
        key = stem = _DANGLING_END.sub("", stem[:_LONGEST_KEY])
        while key in self._taken:
            # It goes on from the last one, as there may be thousands that differ only in what MLflow refuses.
            number = self._counts[stem] = self._counts.get(stem, 1) + 1
            ending = f"-{number}"
            key = stem[: _LONGEST_KEY - len(ending)] + ending
        return key


def format_name_tags(changed: Mapping[str, str]) -> list[str]:
    """Writes which key stands for which name as the values of one or several tags.

    Each is a JSON object by itself. A name that is too long for one goes on in the next, under the same key. More names
    after these change the last one at most, and follow in new ones.

    Args:
        changed: The names by key.
    """
    tags: list[list[str]] = []
    size = _LONGEST_TAG
    for key, name in changed.items():
        for start in range(0, max(1, len(name)), _LONGEST_PIECE):
            piece = {key: name[start : start + _LONGEST_PIECE]}
            entry = json.dumps(piece, ensure_ascii=False)[1:-1]
            if start or size + len(entry) > _LONGEST_TAG:
                tags.append([])
                size = len("{}")
            tags[-1].append(entry)
            size += len(entry) + len(", ")
    return [f"{{{', '.join(entries)}}}" for entries in tags]
