"""Keeps the values of credentials out of what is written down."""

import copy
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

MASK = "***"

# What a name ends with: MY_API_KEY and db.password are credentials; MONKEY, max_tokens, PWD and TOKEN_FILE are not.
_SECRET_NAME = re.compile(
    r"(?:pass(?:word|wd|phrase)"
    r"|(?:^|[^a-z0-9])(?:secret|token|credentials?|auth|authorization|(?:api|access|secret|private)_?key(?:_id)?"
    r"|connection_?string)"
    r"|[^a-z0-9]pwd)(?:_?\d+)?$",
    re.IGNORECASE,
)
# The password in an address such as postgresql://user:password@host.
_SECRET_IN_URL = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")

# A value such as `1` or `true` is no credential, and masking it would leave little of a text.
_SHORTEST_SECRET = 6


def looks_secret(name: str) -> bool:
    """Whether the name of a variable or parameter says that its value is a credential."""
    return _SECRET_NAME.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)) is not None


def holds_password(value: str) -> bool:
    """Whether a value has an address with a password in it."""
    return _SECRET_IN_URL.search(value) is not None


class SecretMask:
    """Replaces known secrets by ``***``, also where they are written as part of JSON or of an address.

    Args:
        secrets: The values; empty ones are no secrets.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if secret for form in _forms_of(secret)}
        # The longest first, so that no rest of a secret stays where another one is its beginning.
        self._forms = sorted((form.encode() for form in forms), key=lambda form: (-len(form), form))
        self._pattern = re.compile(b"|".join(map(re.escape, self._forms))) if self._forms else None
        self._has_lines = any(b"\n" in form for form in self._forms)
        self._rest = b""

    @staticmethod
    def of_variables(*variables: Mapping[str, str], listed: Iterable[str] = ()) -> "SecretMask":
        """Knows what variables hold that look like credentials or are listed, and the passwords in addresses.

        Args:
            variables: Values by name; the same name may have several.
            listed: Names of variables that are secret, whatever they look like and however short they are.
        """
        listed = set(listed)
        pairs = [pair for each in variables for pair in each.items()]
        named = [value for name, value in pairs if looks_secret(name) and len(value.strip()) >= _SHORTEST_SECRET]
        in_urls = [found[1] for _, value in pairs for found in _SECRET_IN_URL.finditer(value)]
        return SecretMask([*named, *in_urls, *(value for name, value in pairs if name in listed)])

    def copy(self) -> "SecretMask":
        """Knows the same secrets and has been fed nothing, for another text at the same time."""
        other = copy.copy(self)
        other._rest = b""
        return other

    def mask(self, text: str) -> str:
        """Writes a text without the secrets."""
        if self._pattern is None:
            return text
        return self._pattern.sub(MASK.encode(), text.encode("utf-8", "surrogateescape")).decode(
            "utf-8", "surrogateescape"
        )

    def mask_named(self, values: Mapping[str, str]) -> dict[str, str]:
        """Writes named values without the secrets; one whose name looks secret is masked as a whole."""
        return {name: MASK if value and looks_secret(name) else self.mask(value) for name, value in values.items()}

    def feed(self, data: bytes) -> bytes:
        """Writes the next piece of a stream without the secrets; keeps back what may be the beginning of one."""
        if self._pattern is None:
            return data
        data = self._rest + data
        cut = len(data) - self._beginning_at_end(data)
        cut = next((found.end() for found in self._pattern.finditer(data) if found.start() < cut < found.end()), cut)
        self._rest = data[cut:]
        return self._pattern.sub(MASK.encode(), data[:cut])

    def finish(self) -> bytes:
        """Writes what was kept back of a stream that has ended."""
        rest, self._rest = self._rest, b""
        return rest if self._pattern is None else self._pattern.sub(MASK.encode(), rest)

    def _beginning_at_end(self, data: bytes) -> int:
        """How many bytes at the end may go on as a secret."""
        if data.endswith(b"\n") and not self._has_lines:
            return 0
        longest = 0
        for form in self._forms:
            for length in range(min(len(form) - 1, len(data)), longest, -1):
                if data.endswith(form[:length]):
                    longest = length
                    break
        return longest


def _forms_of(secret: str) -> set[str]:
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe="")}
