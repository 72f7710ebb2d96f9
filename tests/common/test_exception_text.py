"""Exceptions as text, whatever their own methods do."""

import traceback

import pytest

from tg.common.exception_text import describe_exception, first_line_of, format_trace, list_causes, message_of


class NoStr(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


class NoText(Exception):
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]


class NoCause(Exception):
    @property
    def __cause__(self) -> None:  # type: ignore[override]
        raise ZeroDivisionError


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - with its traceback
        return caught


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError(" two\n lines "), "ValueError: two lines"),
        (ValueError(), "ValueError"),
        (NoStr(), "NoStr: its message cannot be shown, as its __str__ raises ZeroDivisionError"),
        (NoText(), "NoText: its message cannot be shown, as its __str__ raises TypeError"),
        (NoCause("x"), "NoCause: x"),
    ],
)
def test_an_exception_in_a_line(error: Exception, line: str) -> None:
    assert describe_exception(error) == line
    assert f"{type(error).__name__}: {message_of(error)}" in (line, f"{line}: ")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one.\ntwo"), "one"),
        (ValueError("\n"), "ValueError"),
        (NoStr(), "its message cannot be shown, as its __str__ raises ZeroDivisionError"),
    ],
)
def test_the_first_line_of_a_message(error: Exception, line: str) -> None:
    assert first_line_of(error) == line


def test_causes_end_where_they_are_a_circle_or_a_property_of_their_own() -> None:
    first, second = ValueError("a"), TypeError("b")
    first.__cause__, second.__cause__ = second, first
    assert list(list_causes(first)) == [first, second]
    cut = NoCause("x")
    assert list(list_causes(cut)) == [cut]


def test_a_trace_is_as_usual_or_has_no_code() -> None:
    usual, odd = raised(ValueError("x")), raised(NoCause("x"))
    assert format_trace(usual) == "".join(traceback.format_exception(usual))
    lines = format_trace(odd).splitlines()
    assert (lines[0], lines[-1]) == ("Traceback (most recent call last):", "NoCause: x")
    assert lines[1].startswith(f'  File "{__file__}", line ')
    assert lines[1].endswith(", in raised")
