"""Masks the values of credentials in everything that is written."""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from .forms import SHORTEST_SECRET, encode, forms_of
from .names import is_secret, looks_secret, without_type
from .positions import MASK, find_by_position, find_open, mask_by_position, mask_bytes_by_position


class SecretMask:
    """Replaces known secrets by ``***``, also within JSON, URLs, tracebacks and the like.

    It is immutable: any number of threads and texts may share one.

    Args:
        secrets: The values; empty ones are ignored.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if secret for form in forms_of(secret)}
        # The longest first, so that nothing of a secret remains if another one is its prefix.
        self._texts = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._forms = tuple(sorted({encode(form) for form in forms}, key=lambda form: (-len(form), form)))

    @staticmethod
    def of_variables(*variables: Mapping[str, Any], listed: Iterable[str] = ()) -> "SecretMask":
        """Builds a mask of variables that look like credentials or are listed, and of passwords in URLs.

        Args:
            variables: Values by name; the same name may have several. They may be JSON text or values: its parts are
                checked one by one, as are those of connection strings.
            listed: Names of variables that are secret in any case, even if short.
        """
        names = set(listed)
        leaves = (leaf for each in variables for name, value in each.items() for leaf in _leaves(name, value))
        return SecretMask(secret for name, text in leaves for secret in _find_secrets(name, text, names))

    def mask(self, text: str) -> str:
        """Masks a whole text.

        Passwords in URLs, credentials in headers, and values of names that look secret, are masked even if unknown.
        """
        if present := [form for form in self._texts if form in text]:
            text = re.sub("|".join(map(re.escape, present)), MASK, text)
        return mask_by_position(text)

    def mask_named(self, values: Mapping[str, str]) -> dict[str, str]:
        """Masks named values; a value whose name looks secret is masked as a whole."""
        return {name: MASK if is_secret(name, value) else self.mask(value) for name, value in values.items()}

    def stream(self) -> "MaskedStream":
        """Begins to mask a text that arrives in pieces."""
        return MaskedStream(self._forms)


class MaskedStream:
    """Masks one text that arrives in pieces of bytes, as :meth:`SecretMask.mask` does, line by line.

    Args:
        forms: All forms of the secrets, the longest first.
    """

    def __init__(self, forms: Sequence[bytes]) -> None:
        self._forms = forms
        self._line_forms = [form for form in forms if b"\n" in form]
        # Without any of these, there is no secret. Forms of one secret share them, so that few have to be searched for.
        self._cores: list[bytes] = []
        for form in reversed(forms):
            if not any(core in form for core in self._cores):
                self._cores.append(max(re.findall(rb"\w{6,}", form), key=len, default=form))
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """Returns the next piece, masked; holds back what may be the beginning of a secret."""
        data = self._rest + data
        cut = min(len(data) - self._beginning_at_end(data), find_open(data))
        if cut < len(data) and (pattern := self._find_pattern(data)):
            cut = next((found.end() for found in pattern.finditer(data) if found.start() < cut < found.end()), cut)
        self._rest = data[cut:]
        return self._mask_bytes(data[:cut])

    def finish(self) -> bytes:
        """Returns what was held back, at the end of the text."""
        rest, self._rest = self._rest, b""
        return self._mask_bytes(rest)

    def _mask_bytes(self, data: bytes) -> bytes:
        pattern = self._find_pattern(data)
        return mask_bytes_by_position(data if pattern is None else pattern.sub(MASK.encode(), data))

    def _find_pattern(self, data: bytes) -> "re.Pattern[bytes] | None":
        """Returns a pattern of the secrets in a piece; ``None`` if there is none, as is usual."""
        for core in self._cores:
            if core in data:
                present = [form for form in self._forms if form in data]
                return re.compile(b"|".join(map(re.escape, present))) if present else None
        return None

    def _beginning_at_end(self, data: bytes) -> int:
        """Returns how many bytes at the end may be the beginning of a secret."""
        longest = 0
        for form in self._line_forms if data.endswith(b"\n") else self._forms:
            start = max(len(data) - len(form) + 1, 0)
            while (start := data.find(form[:1], start)) >= 0 and len(data) - start > longest:
                if form.startswith(data[start:]):
                    longest = len(data) - start
                start += 1
        return longest


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yields the strings and numbers in a value, by dotted path; a list's items have its name."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(f"{name}.{key}", each)
    elif isinstance(value, (Sequence, Set)) and not isinstance(value, str):
        for each in value:
            yield from _leaves(name, each)
    elif value is not None and not isinstance(value, bool):
        text = str(value)
        yield name, text
        if isinstance(parts := _decode(text), (Mapping, Sequence, Set)) and not isinstance(parts, str):
            yield from _leaves(without_type(name), parts)


def _decode(text: str) -> Any:
    """Parses a text in JSON's or Python's brackets; returns other texts as they are."""
    if text.lstrip()[:1] not in ("{", "[", "("):
        return text
    for decode in (json.loads, ast.literal_eval):
        try:
            return decode(text.strip())
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return text


def _find_secrets(name: str, text: str, listed: set[str]) -> Iterator[str]:
    plain, is_long = without_type(name), len(text.strip()) >= SHORTEST_SECRET
    is_part_of_listed = any(plain.startswith(f"{each}.") for each in listed)
    # Some part of it is secret, and it is unknown which.
    holds_listed = any(each.startswith(f"{plain}.") for each in listed) and isinstance(_decode(text), str)
    if not listed.isdisjoint((name, plain)) or (is_long and (is_part_of_listed or holds_listed or looks_secret(name))):
        yield text
    yield from find_by_position(text)
