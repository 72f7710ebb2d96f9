"""In which forms a secret that is known is found."""

import html
import json
import shlex
from urllib.parse import quote

import pytest

from tg.common.secrets import SecretMask

SECRET = "p/w<1>&'é\"x"


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(SECRET),
        json.dumps(json.dumps(SECRET)),
        json.dumps(SECRET).replace("/", "\\/"),
        json.dumps(SECRET)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("'", "\\u0027"),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote(quote(SECRET, safe=""), safe=""),
        quote(SECRET, safe="!'()*"),
        html.escape(SECRET),
        html.escape(SECRET, quote=False),
        shlex.quote(SECRET),
    ],
)
def test_a_known_secret_is_found_as_it_is_written(written: str) -> None:
    mask = SecretMask([SECRET])
    masked = mask.mask(f"<{written}>")
    assert masked.strip("<>\"'\\") == "***"
    assert mask.stream().feed(f"<{written}>\n".encode()).decode() == f"{masked}\n"
