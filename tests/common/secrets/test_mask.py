import base64
import itertools
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common.secrets import SecretMask, looks_secret


@pytest.mark.parametrize(
    "name",
    [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "DB_PASSWORD",
        "HF_TOKEN",
        "token",
        "model_provider.constructor.kwargs.apiKey",
        "OPENAI_API_KEY",
        "PGPASSWORD",
        "MYSQL_PWD",
        "SECRET_KEY",
        "password2",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "authToken",
        "HFToken",
        "NGROK_AUTHTOKEN",
        "db.password",
        "db.password:str",
        "passphrase",
        "client_secret",
        "GITHUB_PAT",
        "SMTP_PASS",
        "db_pass",
        "pwd",
        "passwords",
        "SLACK_WEBHOOK_URL",
        "AZURE_STORAGE_KEY",
        "AZURE_STORAGE_CONNECTION_STRING",
        "GOOGLE_APPLICATION_CREDENTIALS_JSON",
        "SECRET_KEY_BASE",
        "HF_TOKEN_PROD",
    ],
)
def test_names_of_credentials(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "PWD",
        "OLDPWD",
        "SSH_AUTH_SOCK",
        "max_tokens",
        "TOKEN_FILE",
        "C",
        "max_iter",
        "tokenizer",
        "monkey",
        "n_tokenizers",
        "key",
        "PATH",
        "author",
        "auth_method",
        "primary_key",
        "bucket_key",
        "kms_key",
        "token_count",
        "cost_per_token",
        "low_pass",
        "SSH_ASKPASS",
        "PASSWORD_FILE",
        "threshold",
        "pad_token",
        "tokenizer.pad_token",
        "tokenizer.pad_token:str",
        "eosToken",
        "bos_token",
        "unk_token",
        "sep_token",
        "cls_token",
        "mask_token",
    ],
)
def test_names_of_other_things(name: str) -> None:
    assert not looks_secret(name)


def test_what_is_known_of_variables() -> None:
    mask = SecretMask.of_variables(
        {
            "HF_TOKEN": "hf_abcdef",
            "USE_AUTH": "true",
            "PIN": "4711",
            "DB": "postgresql://me:pa%20ss@host/db",
            "HOME": "/home/me",
        },
        listed=["PIN", "ABSENT"],
    )
    assert mask.mask("hf_abcdef true 4711 postgresql://me:pa%20ss@host/db /home/me") == (
        "*** true *** postgresql://me:***@host/db /home/me"
    )


def test_a_secret_is_found_in_json_and_in_addresses() -> None:
    mask = SecretMask(['a"b\\cä/d'])
    assert mask.mask(r'{"x": "a\"b\\c\u00e4/d", "y": "a\"b\\cä/d"}') == '{"x": "***", "y": "***"}'
    assert mask.mask("https://host/?q=a%22b%5Cc%C3%A4%2Fd") == "https://host/?q=***"


def test_a_name_of_any_length_is_judged_at_once() -> None:
    assert not looks_secret("token" + 200 * "1" + "x")


ODD = "a\"b\\c'd/e+f é g"


@pytest.mark.parametrize(
    "written",
    [
        repr(ODD),
        repr({"token": ODD}),
        ascii(ODD),
        repr(ODD.encode()),
        quote(ODD),
        quote(ODD, safe=""),
        quote_plus(ODD),
        base64.b64encode(ODD.encode()).decode(),
        base64.b64encode(f"{ODD}\n".encode()).decode(),
        base64.urlsafe_b64encode(ODD.encode()).decode(),
    ],
)
def test_a_secret_is_found_as_programs_write_it(written: str) -> None:
    mask = SecretMask([ODD])
    masked = mask.mask(written)
    assert "***" in masked
    assert not any(part in masked for part in ("a", "b\\", "d/e", "e%2", "YSJ"))
    assert mask.stream().feed(f"{written}\n".encode()) == f"{masked}\n".encode()


def test_an_apostrophe_is_escaped_in_a_text_with_quotes() -> None:
    assert SecretMask(["it's-me"]).mask(repr('say "it\'s-me"')) == "'say \"***\"'"


def test_blanks_around_a_secret_and_within_it_may_be_other_ones() -> None:
    mask = SecretMask(["  top  secret\tkey\n"])
    assert mask.mask("<top  secret\tkey> <top secret key>") == "<***> <***>"


KEY = "-----BEGIN KEY-----\nMIIEvQIB/ADAN+Bgk\nAoIBAQC7VJTUt9Us\nx=\n-----END KEY-----\n"


def test_the_lines_of_a_secret_are_secret() -> None:
    mask = SecretMask([KEY])
    assert mask.mask(f"<{KEY}>") == "<***>"
    assert mask.mask("1: MIIEvQIB/ADAN+Bgk\n2: AoIBAQC7VJTUt9Us\n3: x=") == "1: ***\n2: ***\n3: x="
    assert mask.mask(" ".join(KEY.split())) == "***"


def test_a_secret_of_several_lines_is_found_where_each_comes_by_itself() -> None:
    stream = SecretMask([KEY]).stream()
    pieces = [stream.feed(line.encode()) for line in f"begin\n{KEY}end\n".splitlines(keepends=True)]
    assert b"".join([*pieces, stream.finish()]) == b"begin\n***end\n"
    assert pieces[0] == b"begin\n"


def test_bytes_that_are_no_text_may_be_secret() -> None:
    mask = SecretMask.of_variables({"HF_TOKEN": "abc\udcffdef", "API_KEY": "abc\ud800xyz"})
    assert mask.mask("abc\udcffdef abc\ud800xyz") == "*** ***"
    assert mask.stream().feed(b"abc\xffdef\n") == b"***\n"


def test_the_parts_of_a_value_are_looked_at() -> None:
    mask = SecretMask.of_variables(
        {
            "AZURE": "AccountName=somebody;AccountKey=key+of/account==;EndpointSuffix=core",
            "DSN": "host=somewhere password=pw-in-a-dsn dbname=data",
            "URL": "https://somewhere/k?X-Amz-Credential=AKIA&X-Amz-Signature=0123abcd&part=1234567",
            "ACCOUNT": '{"client": "somebody", "private_key": "line-one\\nline-two"}',
            "options:json": '{"logins": [{"user": "somebody", "password": "pw-in-json"}]}',
            "nested": {
                "logins": [{"user": "somebody", "password": "pw-in-a-part"}],
                "token": ["first-one", "second-one"],
            },
            "braces": "{no JSON}",
        }
    )
    text = "key+of/account== pw-in-a-dsn 0123abcd line-one, line-two pw-in-json pw-in-a-part first-one second-one"
    assert mask.mask(text) == "*** *** *** ***, *** *** *** *** ***"
    assert mask.mask("somebody somewhere core data 1234567") == "somebody somewhere core data 1234567"


@pytest.mark.parametrize("text", ["{'hunter22'}", "({'hunter22'},)", "(1+1j)", "[(1+1j), {1, 'hunter22'}]", "(b'x')"])
def test_a_text_may_be_any_literal_of_python(text: str) -> None:
    mask = SecretMask.of_variables({"DB_PASSWORD": text})
    assert mask.mask("with hunter22") == ("with ***" if "hunter22" in text else "with hunter22")


def test_what_is_listed_may_be_a_number_or_have_a_type() -> None:
    variables = {"options.pin": 4711, "options.code:str": "0815", "all": {"user": "somebody", "age": 7}, "flag": True}
    mask = SecretMask.of_variables(variables, listed=["options.pin", "options.code", "all", "flag"])
    assert mask.mask("4711 0815 somebody 7 true True") == "*** *** *** 7 true True"


def test_passwords_in_addresses_are_known_escaped_or_not() -> None:
    mask = SecretMask.of_variables(
        {
            "A": "db://me:pa@ssword@host:1/x",
            "B": "db://me:pass/word@host",
            "C": "db://me:pa%20ss%40wd@host,db://me:second@host",
        }
    )
    assert mask.mask("pa@ssword, pass/word, pa%20ss%40wd, pa ss@wd, second") == "***, ***, ***, ***, ***"


def test_what_is_masked_already_is_no_secret() -> None:
    mask = SecretMask.of_variables({"DATABASE_URL": "postgresql://u:***@h/db"})
    assert mask.mask("postgresql://u:abc@h/db u:***@") == "postgresql://u:***@h/db u:***@"


def test_a_short_password_is_masked_in_its_address_only() -> None:
    mask = SecretMask.of_variables({"DATABASE_URL": "postgresql://u:p@h/db"})
    assert mask.mask("put it into postgresql://u:p@h/db") == "put it into postgresql://***h/db"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("see db://me:pw@host.", "see db://me:***@host."),
        ("https://ghp_0123456789abcdefghij@host/x.git", "https://***@host/x.git"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("http://my-long-tracking-server-name:5000/a@b", "http://my-long-tracking-server-name:5000/a@b"),
        ('{"url": "http://h:1", "mail": "a@b.c"}', '{"url": "http://h:1", "mail": "a@b.c"}'),
        ("oci://repository:tag@sha256:12ab", "oci://repository:tag@sha256:12ab"),
    ],
)
def test_an_address_shows_no_password_that_was_not_known(text: str, masked: str) -> None:
    assert SecretMask().mask(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (r'{"password": "a \"b", "user": "c"}', '{"password": "***", "user": "c"}'),
        (r'{"in": "{\"token\": \"d\", \"n\": \"e\"}"}', r'{"in": "{\"token\": \"***\", \"n\": \"e\"}"}'),
        ("{'pwd': 'f', 'db.pwd': 'g', 'c': 'h'}", "{'pwd': '***', 'db.pwd': '***', 'c': 'h'}"),
        ('{"pad_token": "[PAD]", "token": "", "auth": "none"}', '{"pad_token": "[PAD]", "token": "", "auth": "none"}'),
    ],
)
def test_what_a_name_in_quotes_says_to_be_secret_need_not_be_known(text: str, masked: str) -> None:
    assert SecretMask().mask(text) == masked


def test_a_secret_that_begins_another_leaves_nothing_of_it() -> None:
    assert SecretMask(["secret", "secret-longer"]).mask("secret-longer secret") == "*** ***"


def test_the_end_of_a_longer_secret_does_not_leak_between_two_pieces() -> None:
    stream = SecretMask(["secret", "secret-longer"]).stream()
    assert [stream.feed(b"a secret"), stream.feed(b"-longer"), stream.feed(b" secret"), stream.finish()] == [
        b"a ",
        b"",
        b"*** ",
        b"***",
    ]


def test_named_values() -> None:
    mask = SecretMask(["hf_abcdef"])
    assert mask.mask_named({"token": "x", "C": "0.5", "url": "hub?t=hf_abcdef", "password": ""}) == {
        "token": "***",
        "C": "0.5",
        "url": "hub?t=***",
        "password": "",
    }


def test_whether_there_is_a_credential_is_no_secret() -> None:
    values = {"use_auth_token": "True", "api_key": "none", "db.password:str": "x", "pad_token": "[PAD]"}
    assert SecretMask().mask_named(values) == {**values, "db.password:str": "***"}


def test_no_secrets_change_nothing() -> None:
    mask = SecretMask([""])
    assert mask.mask("a\udcff") == "a\udcff"
    stream = mask.stream()
    assert stream.feed(b"\xff") + stream.finish() == b"\xff"


def test_several_streams_of_one_mask_know_nothing_of_each_other() -> None:
    mask = SecretMask(["secret"])
    first, second = mask.stream(), mask.stream()
    assert [first.feed(b"a sec"), second.feed(b"ret sec"), first.feed(b"ret"), second.finish(), first.finish()] == [
        b"a ",
        b"ret ",
        b"",
        b"sec",
        b"***",
    ]


@given(st.lists(st.sampled_from([b"abab", b"aba", b"ab", b"\n", b"x", b"ababc", b"c"]), max_size=12), st.data())
def test_any_division_of_a_stream_hides_the_same(parts: list[bytes], data: st.DataObject) -> None:
    text = b"".join(parts)
    stream, written = SecretMask(["ababc", "xx\nx"]).stream(), b""
    while text:
        size = data.draw(st.integers(1, len(text)))
        piece, text = text[:size], text[size:]
        written += stream.feed(piece)
    written += stream.finish()
    assert written == SecretMask(["ababc", "xx\nx"]).mask(b"".join(parts).decode()).encode()
    assert b"ababc" not in written


SHOWN = b"""connecting to postgresql://admin:Sup3rUnknownPw@db.example.com:5432/x
config: {"password": "jsonUnknownPw99", "user": "me"} of 'step'
Authorization: Basic dTpoZl9TRUNSRVR0b2tlbg==
{'Authorization': 'Bearer abc.def'}
RuntimeError: no route to postgresql://u:ExcUnknownPw77@h/x
an ordinary line: 3/4 [====>  ] max_tokens=5 it's "fine"
"""
HIDDEN = b"""connecting to postgresql://admin:***@db.example.com:5432/x
config: {"password": "***", "user": "me"} of 'step'
Authorization: Basic ***
{'Authorization': '***'}
RuntimeError: no route to postgresql://u:***@h/x
an ordinary line: 3/4 [====>  ] max_tokens=5 it's "fine"
"""


@given(st.lists(st.integers(0, len(SHOWN)), max_size=30))
def test_a_stream_hides_what_need_not_be_known_however_it_is_divided(cuts: list[int]) -> None:
    stream, borders = SecretMask().stream(), [0, *sorted(cuts), len(SHOWN)]
    pieces = [SHOWN[start:end] for start, end in itertools.pairwise(borders)]
    assert b"".join([*map(stream.feed, pieces), stream.finish()]) == HIDDEN


def test_what_is_shown_of_a_progress_bar_waits_for_nothing_but_a_word() -> None:
    stream = SecretMask().stream()
    assert stream.feed(b"epoch 1: ....") == b"epoch 1: ...."
    assert stream.feed(b".. loss 0.5, acc") == b".. loss 0.5, "
    assert stream.feed(b"uracy 1\r") == b"accuracy 1\r"


@pytest.mark.parametrize("before", ["", "u", "u:", "user:"])
def test_a_secret_is_found_in_base64_whatever_stands_before_it(before: str) -> None:
    secret = "hf_SECRETtokenAAA111bbb"
    shown = SecretMask([secret]).mask(base64.b64encode(f"{before}{secret}".encode()).decode())
    assert "***" in shown
    assert len(shown.replace("***", "")) <= (len(before) * 8 + 5) // 6 + 5
