"""Exceptions as text, whatever their own methods do."""

import sysconfig
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from tg.common import exception_text
from tg.common.exception_text import (
    describe_exception,
    first_line_of,
    format_trace,
    format_user_trace,
    list_causes,
    message_of,
)


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


def compile_raising(path: str, below: Callable[[], None] | None = None) -> Callable[[], None]:
    """Makes a function of another file, which calls another one, or raises."""
    names: dict[str, Any] = {"below": below}
    exec(compile("def call():\n    below() if below else 1 / 0\n", path, "exec"), names)
    return cast("Callable[[], None]", names["call"])


def list_files(call: Callable[[], None], ours: Sequence[str] = ()) -> list[str]:
    with pytest.raises(ZeroDivisionError) as caught:
        call()
    error = caught.value
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next  # without this file
    lines = format_user_trace(error, ours).splitlines()
    assert (lines[0], lines[-1]) == ("Traceback (most recent call last):", "ZeroDivisionError: division by zero")
    return [line.split('"')[1] for line in lines if line.startswith("  File ")]


COMMON = str(Path(exception_text.__file__).parent)
JOB, ML = f"{COMMON}/delivery/sagemaker/runtime/job.py", f"{COMMON}/ml/task.py"
PYTHON = f"{sysconfig.get_path('stdlib')}/contextlib.py"
NUMPY = "/venv/lib/site-packages/numpy/core.py"
HOST = "/somewhere/tg_mlflow/training/training.py"


@pytest.mark.parametrize(
    ("files", "shown"),
    [
        ([HOST, PYTHON, JOB, ML, "/me/tasks.py", "/me/inner.py"], ["/me/tasks.py", "/me/inner.py"]),
        ([JOB, ML, "/me/tasks.py", ML, NUMPY], ["/me/tasks.py", ML, NUMPY]),
        ([JOB, ML, NUMPY], [ML, NUMPY]),
        ([HOST, JOB, PYTHON], [HOST, JOB, PYTHON]),
    ],
    ids=["user's", "user's in the middle", "a library's", "all ours"],
)
def test_a_trace_for_users_begins_with_their_code(files: list[str], shown: list[str]) -> None:
    call: Callable[[], None] | None = None
    for path in reversed(files):
        call = compile_raising(path, call)
    assert call is not None
    assert list_files(call, ["/somewhere/tg_mlflow/"]) == shown


def test_a_trace_for_users_has_causes_and_no_frame_of_ours_in_them() -> None:
    def raise_again() -> None:
        try:
            compile_raising(JOB, compile_raising("/me/tasks.py"))()
        except ZeroDivisionError as error:
            raise ValueError("x") from error

    error = raised_by(raise_again)
    text = format_user_trace(error, [__file__])
    assert f'"{JOB}"' not in text
    assert '"/me/tasks.py", line 2, in call' in text
    assert "direct cause of the following exception" in text


def raised_by(call: Callable[[], None]) -> Exception:
    with pytest.raises(ValueError, match="x") as caught:
        call()
    return caught.value


def test_a_trace_for_users_is_written_of_an_odd_exception_too() -> None:
    assert format_user_trace(raised(NoCause("x"))).splitlines()[-1] == "NoCause: x"
