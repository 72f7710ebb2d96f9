"""Which types hide their value, and what they hide."""

import pytest
from pydantic import SecretBytes, SecretStr

from tg.common.secrets import SecretMask, is_hidden, names_hiding_type, reveal, reveal_all


class Password:
    def __str__(self) -> str:
        return "of-another-type"


@pytest.mark.parametrize(
    ("value", "hidden"),
    [(SecretStr("abc"), "abc"), (SecretBytes(b"d\xff"), "d\udcff"), (Password(), "of-another-type")],
)
def test_values_that_hide_themselves(value: object, hidden: str) -> None:
    assert is_hidden(value)
    assert reveal(value) == hidden


@pytest.mark.parametrize("value", ["SecretStr", b"", 5, None, object()])
def test_values_that_do_not(value: object) -> None:
    assert not is_hidden(value)


@pytest.mark.parametrize("text", ["SecretStr", "Optional[pydantic.SecretBytes]", "Secret[int]", "list[Password]"])
def test_annotations_of_values_that_hide_themselves(text: str) -> None:
    assert names_hiding_type(text)


@pytest.mark.parametrize("text", ["str", "SecretSanta", "PasswordStrength", "Secretary"])
def test_other_annotations(text: str) -> None:
    assert not names_hiding_type(text)


def test_all_that_is_hidden_is_revealed_and_named() -> None:
    values = {"a": SecretStr("one"), "b": {"c": [SecretBytes(b"two"), 5]}, "d": "three"}
    assert reveal_all(values) == ({"a": "one", "b": {"c": ["two", 5]}, "d": "three"}, ["a", "b.c"])


def test_what_is_named_is_masked_however_short() -> None:
    plain, hidden = reveal_all({"a": SecretStr("one"), "b": {"c": [SecretBytes(b"two"), "x"]}, "d": "three"})
    assert SecretMask.of_variables(plain, listed=hidden).mask("one two three") == "*** *** three"
