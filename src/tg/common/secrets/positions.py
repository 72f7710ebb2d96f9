"""Finds secrets that need not be known, by where they stand: in addresses, queries, headers, and behind a name."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from .forms import SHORTEST_SECRET
from .names import is_secret, looks_secret, looks_secret_in_address, tells_only

MASK = "***"

# User and password in a URL such as postgresql://user:password@host; host:8080/path@2 has none. Some libraries also
# accept a password with an unescaped @ or /.
_HOST_END = r"(?:[/?#,;&|)\]}<>\\\"'\s]|$)"
_PASSWORD_IN_URL = re.compile(
    rf"://([^/\s:@\"'\[]*):(?!/|\d{{1,5}}{_HOST_END})([^\s\"'<>]{{1,500}}?)@(?=[\w.-]+(?::\d+)?{_HOST_END}|\[)"
)
# A token as the user in a URL such as https://token@github.com.
_TOKEN_IN_URL = re.compile(r"(?<=://)([\w-]{20,})(?=(?::[^\s/@]*)?@)")
# A name and its value, in a connection string, a query, a path, as a keyword, or escaped within another address.
_ASSIGNED_NAME = re.compile(
    r"(?:(?<=%3f)|(?<=%26)|(?<=%2f)|(?<=%23)|(?<![\w.%-]))([\w.-]{1,100})(?:=|%3d)", re.IGNORECASE
)
_ASSIGNED_VALUE = re.compile(r"b?(?P<quote>\\*[\"'])(?P<quoted>.*?)(?<!\\)(?P=quote)|(?P<word>[^\s;&\"'<>]+)")
# Where a part of a query, of a path, and any other word ends.
_CLOSING = r"[,)\]}\\]*$"
_QUERY_END = re.compile(rf"{_CLOSING}|#|%26|%23|\\u0026", re.IGNORECASE)
_PATH_END = re.compile(rf"{_CLOSING}|[/?#]|%2f", re.IGNORECASE)
_WORD_END = re.compile(_CLOSING)
# What is put in place of such a name, as in `api_key={api_key}` and `token=$TOKEN`.
_PLACEHOLDER = re.compile(r"[{$]|%\(|\*+$")
# A name and its string or long number in JSON or Python, also nested in such a string.
_QUOTED_NAME = r"((?<!\\)(\\*[\"'])([\w.:-]+)\2\s*:\s*"
_QUOTED_PAIR = re.compile(_QUOTED_NAME + r"b?(\\*[\"']))(.*?)((?<!\\)\4)", re.DOTALL)
_QUOTED_NUMBER = re.compile(rf"{_QUOTED_NAME})\d{{{SHORTEST_SECRET},}}(?![\w.])")
# The credentials of a request's header.
_HEADER = re.compile(
    r"(\bauthorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|digest|token)\s+)([^\s\"',;]+)", re.IGNORECASE
)
_OTHER_HEADER = re.compile(r"((?<![\w.-])([A-Za-z]+(?:-[A-Za-z]+)+):\s*)([^\s\"',;*]+)")

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
    b"sig",
)
# What, at the end of an incomplete line, may be the beginning of such a secret: a name and what there is of its quoted
# value, a header, or a word.
_QUOTED_VALUE = rb"\\*[\"'][^\"'\n]*(?:[\"']\S*)?"
_OPEN = re.compile(
    rb"(?:\\*[\"'][\w.:-]+\\*[\"']\s*(?::\s*b?(?:" + _QUOTED_VALUE + rb"|\d*|\\+))?"
    rb"|[\w.-]+(?:=|(?i:%3d))b?" + _QUOTED_VALUE + rb"|(?i:authorization)[\"']?\s*[:=]\s*[\"']?\w*\s*\S*"
    rb"|[A-Za-z]+(?:-[A-Za-z]+)+:\s*\S*"
    rb"|\S*[A-Za-z\"']\S*)$"
)
# So long it may be.
_LONGEST_OPEN = 600


def find_by_position(text: str) -> Iterator[str]:
    """Yields the secrets in an address or a connection string, for use elsewhere, where nothing marks them."""
    for user, password in _PASSWORD_IN_URL.findall(text):
        if not password.strip("*"):
            continue  # it is masked already
        # Short values would be found in many words.
        yield from (password, unquote(password)) if len(password) >= SHORTEST_SECRET else (f"{user}:{password}@",)
    yield from _TOKEN_IN_URL.findall(text)
    for start, end in _find_assigned(text):
        if end - start >= SHORTEST_SECRET:
            yield from (text[start:end], unquote(text[start:end]))


def mask_by_position(text: str) -> str:
    """Masks what is secret by where it stands."""
    if "://" in text:
        text = _TOKEN_IN_URL.sub(MASK, _PASSWORD_IN_URL.sub(rf"://\1:{MASK}@", text))
    text = _HEADER.sub(rf"\1{MASK}", text)
    if ":" in text:
        text = _mask_quoted_pairs(_OTHER_HEADER.sub(_mask_header, text))
    return _mask_assigned(text) if "=" in text or "%3" in text else text


def mask_bytes_by_position(data: bytes) -> bytes:
    """Masks what is secret by where it stands, line by line."""
    lower = data.lower()
    if not any(hint in lower for hint in _HINTS):
        return data
    lines = data.splitlines(keepends=True)
    return b"".join(_mask_line(line) if any(hint in line.lower() for hint in _HINTS) else line for line in lines)


def find_open(data: bytes) -> int:
    """Returns where, at the end of an incomplete line, what may be the beginning of a secret begins."""
    start = max(data.rfind(b"\n"), data.rfind(b"\r"), len(data) - _LONGEST_OPEN - 1) + 1
    found = _OPEN.search(data, start) if start < len(data) else None
    return found.start() if found else len(data)


def _mask_line(line: bytes) -> bytes:
    return mask_by_position(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _mask_header(found: "re.Match[str]") -> str:
    name = found[2]
    is_credential = looks_secret(name) and not name.lower().endswith("authorization")  # whose scheme is shown
    return f"{found[1]}{MASK}" if is_credential else found[0]


def _mask_quoted_pairs(text: str) -> str:
    def replace(pair: "re.Match[str]") -> str:
        beginning, name, value, end = pair[1], pair[3], pair[5], pair[6]
        return beginning + (MASK if is_secret(name, value) else _mask_quoted_pairs(value)) + end

    def replace_number(pair: "re.Match[str]") -> str:
        return f"{pair[1]}{pair[2]}{MASK}{pair[2]}" if looks_secret(pair[3]) else pair[0]

    return _QUOTED_NUMBER.sub(replace_number, _QUOTED_PAIR.sub(replace, text))


def _mask_assigned(text: str) -> str:
    parts, done = list[str](), 0
    for start, end in _find_assigned(text):
        parts += [text[done:start], MASK]
        done = end
    return "".join([*parts, text[done:]])


def _find_assigned(text: str) -> Iterator[tuple[int, int]]:
    """Yields where the value of a name begins and ends that makes it secret."""
    end = 0
    for name in _ASSIGNED_NAME.finditer(text):
        before = text[max(name.start() - 3, 0) : name.start()].lower()
        is_in_query = before.endswith(("?", "&", ";", "#", "%3f", "%26", "%23"))
        if name.start() < end or not (looks_secret_in_address if is_in_query else looks_secret)(name[1]):
            continue
        if (found := _ASSIGNED_VALUE.match(text, name.end())) is None:
            continue
        value, start = found["quoted"], found.start("quoted")
        if value is None:
            word_end = _QUERY_END if is_in_query else _PATH_END if before.endswith(("/", "%2f")) else _WORD_END
            value, start = word_end.split(found["word"], maxsplit=1)[0], found.start("word")
        if value != name[1] and not tells_only(value) and _PLACEHOLDER.match(value) is None:
            end = start + len(value)
            yield start, end
