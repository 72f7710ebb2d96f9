"""Masks the values of credentials in everything that is written."""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from .secret_forms import SHORTEST_SECRET, encode, forms_of

MASK = "***"

# What may follow the name of a credential: a qualifier, or its encoding.
_QUALIFIERS = r"(?:_?(?:\d|b(?:ase)?64|base|json|dev|staging|test|prod(?:uction)?|live|old|new))*$"
# The end of a credential's name: MY_API_KEY and db.password are credentials; MONKEY, max_tokens, PWD and TOKEN_FILE are
# not.
_SECRET_NAME = re.compile(
    r"(?:pass(?:word|wd|phrase)s?"
    r"|(?:^|[^a-z0-9])(?:(?:access|api|auth|client|refresh)?_?(?:secrets?|token)"
    r"|credentials?|auth|authorization|jwt|webhook(?:_url)?|connection_?string|(?:db|smtp|user)_pass"
    r"|(?:access|account|api|deploy|encryption|master|private|secret|signing|ssh|storage)_?keys?(?:_id)?)"
    r"|[^a-z0-9]pwd|(?-i:^pwd|_PASS|_PAT))" + _QUALIFIERS,
    re.IGNORECASE,
)
# Tokens of texts, not of accounts, in the sense of tokenizers and models.
_TEXT_TOKEN_NAME = re.compile(
    r"(?:^|[^a-z0-9])(?:pad|padding|bos|eos|start|end|stop|unk|oov|sep|cls|mask|per)_token" + _QUALIFIERS, re.IGNORECASE
)
# The type that a hyperparameter's name may end with, as in `options.password:str`.
_TYPE = re.compile(r":[a-z]+$")
# Word boundaries that only case marks: authToken, HFToken.
_WORD_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

# User and password in a URL such as postgresql://user:password@host; host:8080/path@2 has none. Some libraries also
# accept a password with an unescaped @ or /.
_HOST_END = r"(?:[/?#,;&|)\]}<>\\\"'\s]|$)"
_PASSWORD_IN_URL = re.compile(
    rf"://([^/\s:@\"'\[]*):(?!/|\d{{1,5}}{_HOST_END})([^\s\"'<>]{{1,500}}?)@(?=[\w.-]+(?::\d+)?{_HOST_END}|\[)"
)
# A token as the user in a URL such as https://token@github.com.
_TOKEN_IN_URL = re.compile(r"(?<=://)([\w-]{20,})(?=(?::[^\s/@]*)?@)")
# Parts of a connection string, and of a signed URL's query.
_PART = re.compile(r"(?<![\w.-])([\w.-]+)=([^\s;&\"']+)")
_SIGNATURE_NAME = re.compile(r"(?:^sig|signature)$", re.IGNORECASE)
# A name and its string in JSON or Python, also nested in such a string.
_QUOTED_PAIR = re.compile(r"((?<!\\)(\\*[\"'])([\w.:-]+)\2\s*:\s*(\\*[\"']))(.*?)((?<!\\)\4)", re.DOTALL)

# The credentials of a request's header.
_HEADER = re.compile(r"(\bauthorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|token)\s+)([^\s\"',;]+)", re.IGNORECASE)

# Every secret that need not be known has one of these in its line, in lower case.
_HINTS = (
    b"://",
    b"pass",
    b"pwd",
    b"token",
    b"secret",
    b"auth",
    b"key",
    b"credential",
    b"jwt",
    b"webhook",
    b"connection",
)
# What, at the end of an incomplete line, may be the beginning of such a secret: a quoted name and what there is of its
# value, a header, or a word.
_OPEN = re.compile(
    rb"(?:\\*[\"'][\w.:-]+\\*[\"']\s*:\s*(?:\\*[\"'][^\"'\n]*(?:[\"']\S*)?)?"
    rb"|(?i:authorization)[\"']?\s*[:=]\s*[\"']?\w*\s*\S*"
    rb"|\S*[A-Za-z\"']\S*)$"
)
# So long it may be.
_LONGEST_OPEN = 600

# Values that only tell whether there is a credential, as in `use_auth_token=true`.
_NO_SECRETS = {"", "true", "false", "none", "null"}


def looks_secret(name: str) -> bool:
    """Returns whether the name of a variable or parameter suggests that its value is a credential."""
    words = _WORD_BORDER.sub("_", _TYPE.sub("", name))
    return _SECRET_NAME.search(words) is not None and _TEXT_TOKEN_NAME.search(words) is None


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
        return _mask_unknown(text)

    def mask_named(self, values: Mapping[str, str]) -> dict[str, str]:
        """Masks named values; a value whose name looks secret is masked as a whole."""
        return {name: MASK if _is_secret(name, value) else self.mask(value) for name, value in values.items()}

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
        cut = min(len(data) - self._beginning_at_end(data), _find_open(data))
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
        return _mask_unknown_bytes(data if pattern is None else pattern.sub(MASK.encode(), data))

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


def _is_secret(name: str, value: str) -> bool:
    return value.strip().lower() not in _NO_SECRETS and looks_secret(name)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yields the strings and numbers in a value, by dotted path; a list's items have its name."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(f"{name}.{key}", each)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield from _leaves(name, each)
    elif value is not None and not isinstance(value, bool):
        text = str(value)
        yield name, text
        if not isinstance(parts := _decode(text), str):
            yield from _leaves(_TYPE.sub("", name), parts)


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
    plain, is_long = _TYPE.sub("", name), len(text.strip()) >= SHORTEST_SECRET
    is_part_of_listed = any(plain.startswith(f"{each}.") for each in listed)
    # Some part of it is secret, and it is unknown which.
    holds_listed = any(each.startswith(f"{plain}.") for each in listed) and isinstance(_decode(text), str)
    if not listed.isdisjoint((name, plain)) or (is_long and (is_part_of_listed or holds_listed or looks_secret(name))):
        yield text
    for user, password in _PASSWORD_IN_URL.findall(text):
        # Short values would be found in many words.
        yield from (password, unquote(password)) if len(password) >= SHORTEST_SECRET else (f"{user}:{password}@",)
    yield from _TOKEN_IN_URL.findall(text)
    for part, value in _PART.findall(text):
        if len(value) >= SHORTEST_SECRET and (looks_secret(part) or _SIGNATURE_NAME.search(part)):
            yield value


def _mask_unknown(text: str) -> str:
    """Masks what is secret by where it stands."""
    if "://" in text:
        text = _TOKEN_IN_URL.sub(MASK, _PASSWORD_IN_URL.sub(rf"://\1:{MASK}@", text))
    return _mask_quoted_pairs(_HEADER.sub(rf"\1{MASK}", text))


def _mask_unknown_bytes(data: bytes) -> bytes:
    lower = data.lower()
    if not any(hint in lower for hint in _HINTS):
        return data
    lines = data.splitlines(keepends=True)
    return b"".join(_mask_line(line) if any(hint in line.lower() for hint in _HINTS) else line for line in lines)


def _mask_line(line: bytes) -> bytes:
    return _mask_unknown(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _find_open(data: bytes) -> int:
    """Returns where, at the end of an incomplete line, what may be the beginning of a secret begins."""
    start = max(data.rfind(b"\n"), data.rfind(b"\r"), len(data) - _LONGEST_OPEN - 1) + 1
    found = _OPEN.search(data, start) if start < len(data) else None
    return found.start() if found else len(data)


def _mask_quoted_pairs(text: str) -> str:
    def replace(pair: "re.Match[str]") -> str:
        beginning, name, value, end = pair[1], pair[3], pair[5], pair[6]
        return beginning + (MASK if _is_secret(name, value) else _mask_quoted_pairs(value)) + end

    return _QUOTED_PAIR.sub(replace, text)
