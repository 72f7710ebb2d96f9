"""What is masked although nobody knows it, by where it stands: as a whole, as a stream and as a named value."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tg.common.secrets import SecretMask

MASKED = [
    # parts of an address' query
    ("https://h/x.csv?token=hunter2&part=7", "https://h/x.csv?token=***&part=7"),
    ("GET /x?sv=2020&sig=aB%2Fc%3D&se=2027 HTTP/1.1", "GET /x?sv=2020&sig=***&se=2027 HTTP/1.1"),
    (
        "https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIA%2Fx&X-Amz-Date=2&X-Amz-Signature=0a1b#top",
        "https://b.s3.amazonaws.com/k?X-Amz-Credential=***&X-Amz-Date=2&X-Amz-Signature=***#top",
    ),
    ("(https://h/?api_key=abc), then", "(https://h/?api_key=***), then"),
    ("https://h/#access_token=abc&state=1", "https://h/#access_token=***&state=1"),
    ("see ?back=https%3A%2F%2Fh%3Ftoken%3Dabc%26n%3D1", "see ?back=https%3A%2F%2Fh%3Ftoken%3D***%26n%3D1"),
    (r'{"url": "https://h/?client-secret=abc\u0026n=1"}', r'{"url": "https://h/?client-secret=***\u0026n=1"}'),
    # parts of a path
    ("s3://bucket/token=abc/part.csv", "s3://bucket/token=***/part.csv"),
    ("/data/api_key=abc/year=2020/x.parquet", "/data/api_key=***/year=2020/x.parquet"),
    ("https://h/v1/password=ab,c/x?n=1", "https://h/v1/password=***/x?n=1"),
    # anywhere else
    ("Settings(password='a b', user='me')", "Settings(password='***', user='me')"),
    ('Settings(token=b\'ab\', api_key="c\\"d")', "Settings(token=b'***', api_key=\"***\")"),
    ("host=h password=ab/c== dbname=d", "host=h password=*** dbname=d"),
    ("run --api-key=abc --epochs=3", "run --api-key=*** --epochs=3"),
    ("export HF_TOKEN=hf_abc; train", "export HF_TOKEN=***; train"),
    # names in quotes
    ("{'password': b'abc', 'user': 'me'}", "{'password': b'***', 'user': 'me'}"),
    ('{"password": 12345678, "rows": 12345678}', '{"password": "***", "rows": 12345678}'),
    ('"{\\"api-key\\": \\"abc\\"}"', '"{\\"api-key\\": \\"***\\"}"'),
    # headers
    ("Authorization: Basic dTpw", "Authorization: Basic ***"),
    ("Proxy-Authorization: bearer a.b.c", "Proxy-Authorization: bearer ***"),
    ("> X-Api-Key: abc", "> X-Api-Key: ***"),
    ("X-Amz-Security-Token: IQoJ/x==", "X-Amz-Security-Token: ***"),
    # addresses
    ("postgresql://me:abc@h/d", "postgresql://me:***@h/d"),
    ("https://me:a%40b@h/data.csv", "https://me:***@h/data.csv"),
    ("redis://:abc@h:6379", "redis://:***@h:6379"),
]

HARMLESS = [
    "token_count=5 max_tokens=7 tokenizer=bert-base n_keys=3",
    "--tokenizer=x/y?max_tokens=5&token_count=3",
    "password_strength: high, password_length=12",
    '{"password_strength": "high", "max_tokens": 123456, "tokenizer": "bert"}',
    "Invalid token: unexpected end; wrong password: try again",
    "per-token: 5 X-Request-Id: 7 Content-Type: text/csv key: value",
    "use_auth_token=true, password=None) token= auth=false",
    'command: "tg-mlflow train tasks:build api_key={api_key} token=$TOKEN password=%(password)s"',
    "login(user, password=password, token=token)",
    "design=abc signature=x primary_key=id sort_key=b cost_per_token=0.5",
    "s3://bucket/tokens=5/monkey=1/x.csv?version=3",
    "pad_token=[PAD] eos_token='</s>' mask_token=\"<mask>\"",
    "https://h:8080/a@b ssh://git@h/x oci://r:tag@sha256:12ab",
]


@pytest.mark.parametrize(("text", "masked"), MASKED)
def test_what_is_masked(text: str, masked: str) -> None:
    mask = SecretMask()
    assert mask.mask(text) == masked
    assert mask.mask(masked) == masked
    assert mask.mask_named({"note": text}) == {"note": masked}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_left_as_it_is(text: str) -> None:
    assert SecretMask().mask(text) == text


@settings(max_examples=400)
@given(st.data())
def test_a_stream_masks_the_same_however_it_is_divided(data: st.DataObject) -> None:
    texts = [*(text for text, _ in MASKED), *HARMLESS]
    text = data.draw(st.sampled_from(texts)).encode() + b" \n"
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    stream, borders = SecretMask().stream(), [0, *cuts, len(text)]
    pieces = [stream.feed(text[start:end]) for start, end in itertools.pairwise(borders)]
    assert b"".join([*pieces, stream.finish()]).decode() == SecretMask().mask(text.decode())


def test_what_signs_an_address_in_a_variable_is_known_everywhere() -> None:
    mask = SecretMask.of_variables({"SOURCE": "https://h/x?sig=aB%2Fcdefg&X-Goog-Signature=0123abcd&n=1234567"})
    assert mask.mask("aB%2Fcdefg aB/cdefg 0123abcd 1234567") == "*** *** *** 1234567"
