"""Lists all the forms in which programs write a secret."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

# Shorter values, such as `1` or `true`, are no credentials, and masking them would leave little of a text.
SHORTEST_SECRET = 6


def forms_of(secret: str) -> set[str]:
    """Returns a text as it is, as JSON, as a Python literal, URL-encoded and in base64; also each of several lines.

    Surrounding white space may be missing, such as the final line break of a file with a secret, and inner white space
    may be collapsed, as in a message of one line.
    """
    stripped = secret.strip()
    forms = {form for text in (secret, stripped, " ".join(secret.split())) for form in _written(text)}
    if len(stripped) >= SHORTEST_SECRET:
        forms.update(_in_base64(secret), _in_base64(stripped))
    lines = {line.strip() for line in stripped.splitlines()}
    forms.update(line for line in lines if len(line) >= SHORTEST_SECRET)
    return forms - {""}


def encode(text: str) -> bytes:
    """Encodes a text as UTF-8; bytes of a variable that are not UTF-8 stay as they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates, which JSON may contain
        return text.encode("utf-8", "surrogatepass")


def _written(text: str) -> Iterator[str]:
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    yield repr(f'"{text}')[2:-1]  # apostrophes are escaped in a text that also contains quotes
    yield ascii(text)[1:-1]
    data = encode(text)
    yield repr(data)[2:-1]
    yield quote(data, safe="")
    yield quote(data)
    yield quote_plus(data)


def _in_base64(text: str) -> Iterator[str]:
    """Returns the part of an encoding that does not depend on what stands before, as ``user:``, and what follows."""
    data = encode(text)
    for before in range(3):  # bytes before, modulo three: four letters stand for as many
        start, end = (before * 8 + 5) // 6, (before + len(data)) * 8 // 6
        for encoded in (b64encode, urlsafe_b64encode):
            yield encoded(bytes(before) + data)[start:end].decode()
