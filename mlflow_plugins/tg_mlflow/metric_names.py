"""Names of metrics that MLflow takes for names that it does not."""

import re

_REFUSED_CHARACTERS = re.compile(r"[^/\w.\- :]")
# MLflow's limit, and room for a number behind a name that is taken.
_LONGEST_KEY = 250
_ROOM = 5


class MetricNames:
    """Gives each metric of one run a key that MLflow takes: different names get different keys.

    MLflow takes letters, digits and ``/ _ . - : space``, and a name must read as a plain relative path. What it refuses
    becomes ``_``; parts of a path that are empty or dots go. Where two names come to the same key, the second one is
    followed by ``-2``, and so on, in the order in which they are seen.

    Attributes:
        changed: The names as the training wrote them, by key, where the two differ.
    """

    def __init__(self) -> None:
        self.changed: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._taken: set[str] = set()

    def key_of(self, name: str) -> str:
        """The key of a metric, the same one each time."""
        key = self._keys.get(name)
        if key is None:
            key = self._keys[name] = self._find_key(name)
            self._taken.add(key)
            if key != name:
                self.changed[key] = name
        return key

    def _find_key(self, name: str) -> str:
        parts = [part for part in _REFUSED_CHARACTERS.sub("_", name).split("/") if part not in ("", ".", "..")]
        stem = ("/".join(parts) or "_")[:_LONGEST_KEY]
        key, number = stem, 1
        while key in self._taken:
            number += 1
            key = f"{stem[: _LONGEST_KEY - _ROOM]}-{number}"
        return key
