"""Lists all the forms in which programs write a secret."""

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

# Shorter values, such as `1` or `true`, are no credentials, and masking them would leave little of a text.
SHORTEST_SECRET = 6


def forms_of(secret: str) -> set[str]:
    """Returns a text as it is, and as programs write it: in JSON, Python, URLs, HTML, a shell and base64.

    Each of several lines is a form by itself. Surrounding white space may be missing, such as the final line break of a
    file with a secret, and inner white space may be collapsed, as in a message of one line.
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
    for written in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        yield written
        yield json.dumps(written, ensure_ascii=False)[1:-1]  # a text in a text
        yield written.replace("/", "\\/")  # as JavaScript and PHP may write it
        yield re.sub("[<>&']", lambda found: f"\\u{ord(found[0]):04x}", written)  # as Go writes it
    yield repr(text)[1:-1]
    yield repr(f'"{text}')[2:-1]  # apostrophes are escaped in a text that also contains quotes
    yield ascii(text)[1:-1]
    yield text.replace("'", "'\"'\"'")  # for a shell
    yield from (html.escape(text), html.escape(text, quote=False))
    data = encode(text)
    yield repr(data)[2:-1]
    for quoted in (quote(data, safe=""), quote(data), quote_plus(data), quote(data, safe="!'()*")):
        yield quoted
        yield re.sub("%..", lambda found: found[0].lower(), quoted)
        yield quote(quoted, safe="")  # an address in an address


def _in_base64(text: str) -> Iterator[str]:
    """Returns the part of an encoding that does not depend on what stands before, as ``user:``, and what follows."""
    data = encode(text)
    for before in range(3):  # bytes before, modulo three: four letters stand for as many
        start, end = (before * 8 + 5) // 6, (before + len(data)) * 8 // 6
        for encoded in (b64encode, urlsafe_b64encode):
            yield encoded(bytes(before) + data)[start:end].decode()
