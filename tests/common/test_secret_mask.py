import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common.secret_mask import SecretMask, looks_secret


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
        "db.password",
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


def test_a_secret_that_begins_another_leaves_nothing_of_it() -> None:
    assert SecretMask(["secret", "secret-longer"]).mask("secret-longer secret") == "*** ***"


def test_the_end_of_a_longer_secret_does_not_leak_between_two_pieces() -> None:
    mask = SecretMask(["secret", "secret-longer"])
    assert [mask.feed(b"a secret"), mask.feed(b"-longer"), mask.feed(b" secret"), mask.finish()] == [
        b"a ",
        b"***",
        b" ",
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


def test_no_secrets_change_nothing() -> None:
    mask = SecretMask([""])
    assert mask.mask("a\udcff") == "a\udcff"
    assert mask.feed(b"\xff") + mask.finish() == b"\xff"


@given(st.lists(st.sampled_from([b"abab", b"aba", b"ab", b"\n", b"x", b"ababc", b"c"]), max_size=12), st.data())
def test_any_division_of_a_stream_hides_the_same(parts: list[bytes], data: st.DataObject) -> None:
    text = b"".join(parts)
    mask, written = SecretMask(["ababc", "xx\nx"]), b""
    while text:
        size = data.draw(st.integers(1, len(text)))
        piece, text = text[:size], text[size:]
        written += mask.feed(piece)
    written += mask.finish()
    assert written == SecretMask(["ababc", "xx\nx"]).mask(b"".join(parts).decode()).encode()
    assert b"ababc" not in written
