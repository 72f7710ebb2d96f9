"""A log's size is the same on both ends of its way, and says what is missing."""

from collections.abc import Iterable

import pytest

from tg.common.delivery.sagemaker.contract.log_event import LogEvent
from tg.common.delivery.sagemaker.contract.log_size import (
    AGAIN,
    LogCounter,
    LogSize,
    format_log_end,
    parse_log_end,
    without_log_ends,
)

TEXT = b"one\n\n \t\r\n###METRIC###a:1######METRIC###b:2###\n###METRIC###METRIC###x\n\xc3\xbc\xff 5%\r 9%\r\0\nlast"
SIZE = LogSize(lines=5, metrics=4, ascii=83)


def count(pieces: Iterable[bytes]) -> LogSize:
    counter = LogCounter()
    for piece in pieces:
        counter.feed(piece)
    return counter.size


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_any_division_of_a_log_has_the_same_size(step: int) -> None:
    assert count(TEXT[start : start + step] for start in range(0, len(TEXT), step)) == SIZE


def test_nothing_has_no_size() -> None:
    assert count([]) == count([b""]) == LogSize(0, 0, 0)


def test_what_docker_makes_of_bytes_that_are_not_text_has_the_same_size() -> None:
    # It keeps pieces of 16 KiB, and replaces what is no UTF-8 in each of them.
    data = b"x" * 16383 + "ü".encode() + b"\xff\n"
    kept = "".join(data[start : start + 16384].decode("utf-8", "replace") for start in (0, 16384)).encode()
    assert kept != data
    assert count([kept]) == count([data]) == LogSize(1, 0, 16384)


def test_what_cloudwatch_makes_of_a_log_lacks_no_line() -> None:
    events = ["one", "###METRIC###a:1######METRIC###b:2###", "###METRIC###METRIC###x", "ü? 5%#015 9%#015#000", "last"]
    lines = [f"{each}\n".encode() for each in events]
    assert SIZE.find_missing(count(lines), is_exact=False) is None
    assert SIZE.find_missing(count(lines[:-2]), is_exact=False) == "3 of its 5 lines are here"
    split = [lines[0], b"###METRIC###a:1###", b"a very long line\n", *lines[2:]]
    assert SIZE.find_missing(count(split), is_exact=False) == "3 of its 4 metrics are here"


@pytest.mark.parametrize(
    ("here", "missing"),
    [
        (LogSize(1000, 33, 9000), None),
        (LogSize(1001, 34, 9500), None),
        (LogSize(80, 33, 9000), "80 of its 1,000 lines are here"),
        (LogSize(1000, 3, 9000), "3 of its 33 metrics are here"),
        (LogSize(1000, 33, 8999), "8,999 of its 9,000 ASCII characters are here"),
        (LogSize(), "0 of its 1,000 lines are here"),
    ],
)
def test_what_is_missing_is_said(here: LogSize, missing: str | None) -> None:
    assert LogSize(1000, 33, 9000).find_missing(here, is_exact=True) == missing


def test_changed_characters_are_no_loss_where_they_are_usual() -> None:
    assert LogSize(1000, 33, 9000).find_missing(LogSize(1000, 33, 8000), is_exact=False) is None


def test_the_last_line_says_the_size() -> None:
    assert format_log_end(LogSize(1, 2, 3)) == b"###LOG###lines:1;metrics:2;ascii:3###\n"
    for line in (b"###LOG###lines:1;metrics:2;ascii:3###", b"###LOG###lines:1;metrics:2;ascii:3###\r\n"):
        assert parse_log_end(line) == LogSize(1, 2, 3)
    for line in (b"", b"x###LOG###lines:1;metrics:2;ascii:3###", b"###LOG###lines:-1;metrics:2;ascii:3###"):
        assert parse_log_end(line) is None
    assert LogSize.from_json(LogSize(1, 2, 3).to_json()) == LogSize(1, 2, 3)


def test_only_the_last_line_is_left_out_and_that_of_an_earlier_start() -> None:
    one, end = LogEvent(b"one\n", 1), LogEvent(format_log_end(LogSize(1, 0, 4)), 2)
    again = LogEvent(AGAIN, 3)
    assert list(without_log_ends(iter([one, end]))) == [one]
    assert list(without_log_ends(iter([end, one, end]))) == [end, one]
    assert list(without_log_ends(iter([one]))) == [one]
    assert list(without_log_ends(iter([]))) == []
    assert list(without_log_ends(iter([one, end, again, one, end]))) == [one, one]
    assert list(without_log_ends(iter([one, again, end, again]))) == [one]
