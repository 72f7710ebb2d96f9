"""Writes a secret in all the ways in which programs write it down."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

# What is shorter, such as `1` or `true`, is no credential, and masking it would leave little of a text.
SHORTEST_SECRET = 6


def forms_of(secret: str) -> set[str]:
    """A text as it is, in JSON, in Python's own notation, in an address and in base64; of several lines, each one too.

    Blanks around it may be missing, as is the line break that many files with a secret end with, and those in it may
    have become one, as in a message that is written in one line.
    """
    stripped = secret.strip()
    forms = {form for text in (secret, stripped, " ".join(secret.split())) for form in _written(text)}
    if len(stripped) >= SHORTEST_SECRET:
        forms.update(_in_base64(secret), _in_base64(stripped))
    lines = {line.strip() for line in stripped.splitlines()}
    forms.update(line for line in lines if len(line) >= SHORTEST_SECRET)
    return forms - {""}


def encode(text: str) -> bytes:
    """Writes a text as UTF-8, and bytes of a variable that are none as they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates, which JSON may have
        return text.encode("utf-8", "surrogatepass")


def _written(text: str) -> Iterator[str]:
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    yield repr(f'"{text}')[2:-1]  # its apostrophes are escaped where it is part of a text with quotes
    yield ascii(text)[1:-1]
    data = encode(text)
    yield repr(data)[2:-1]
    yield quote(data, safe="")
    yield quote(data)
    yield quote_plus(data)


def _in_base64(text: str) -> Iterator[str]:
    """Writes what is the same whatever follows, as a line break often does."""
    data = encode(text)
    for form in (b64encode(data), urlsafe_b64encode(data)):
        yield form[: len(data) * 8 // 6].decode()
