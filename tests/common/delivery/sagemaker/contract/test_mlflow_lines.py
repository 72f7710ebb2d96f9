import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common.delivery.sagemaker.contract.mlflow_lines import MARKER, format_mlflow_lines
from tg.common.delivery.sagemaker.contract.record_lines import LONGEST_LINE, RecordLineParser, format_content


def format_all(contents: Sequence[dict[str, Any]]) -> bytes:
    lines = (format_mlflow_lines(number, format_content(each)) for number, each in enumerate(contents, start=1))
    return b"".join(line for each in lines for line in each)


def parse(*chunks: bytes) -> tuple[bytes, list[tuple[int, dict[str, Any]]]]:
    parser = RecordLineParser(MARKER)
    found = [*map(parser.feed, chunks), parser.finish()]
    assert parser.unreadable_count == 0
    return b"".join(text for text, _ in found), [
        (each.number, each.content) for _, records in found for each in records
    ]


def test_a_line_holds_one_record() -> None:
    record = {"op": "batch", "run": "a1", "params": [["path", "C:\\#1\nü"]]}
    assert format_all([record]) == (
        b'###MLFLOW###1:{"op":"batch","run":"a1","params":[["path","C:\\\\\\u00231\\n\\u00fc"]]}###\n'
    )


def test_a_long_record_takes_several_lines_that_a_pipe_keeps_whole() -> None:
    lines = list(format_mlflow_lines(7, format_content({"op": "note", "text": "x" * 10_000})))
    assert [line[:22] for line in lines] == [
        b'###MLFLOW###7.1/3:{"op',
        b"###MLFLOW###7.2/3:xxxx",
        b"###MLFLOW###7.3/3:xxxx",
    ]
    assert max(map(len, lines)) <= LONGEST_LINE < 4_000


@pytest.mark.parametrize(
    ("log", "text"),
    [
        (b'50%###MLFLOW###1:{"op":"x"}###\n|60%\n', b"50%|60%\n"),
        (b'a\n###MLFLOW###1:{"op":"x"}###\r\nb\n', b"a\nb\n"),
        (b'##\n#######MLFLOW###1:{"op":"x"}###\n', b"##\n####"),
        (b'###MLFLOW###1.2/2:x"}###\nb\n###MLFLOW###1.1/2:{"op":"###\n', b"b\n"),
        (b'###MLFLOW###1:{"op":"x"}###', b""),
    ],
)
def test_a_line_is_taken_out_of_what_surrounds_it(log: bytes, text: bytes) -> None:
    assert parse(log) == (text, [(1, {"op": "x"})])


@pytest.mark.parametrize("line", [b"###MLFLOW###1:{###\n", b"###MLFLOW###x:{}###\n", b"###MLFLOW###\n"])
def test_what_cannot_be_read_is_counted(line: bytes) -> None:
    parser = RecordLineParser(MARKER)
    found = [parser.feed(line), parser.feed(b'###MLFLOW###2:{"op":"x"}###\n')]
    assert (parser.unreadable_count, [tuple(each) for _, records in found for each in records]) == (
        1,
        [(2, {"op": "x"})],
    )


@given(
    st.lists(
        st.dictionaries(
            st.text(),
            st.one_of(st.text(), st.floats(allow_nan=False, allow_infinity=False), st.text("#\\", min_size=4_000)),
        ),
        max_size=3,
    ),
    st.lists(st.binary(max_size=20).filter(lambda text: b"#" not in text), min_size=4, max_size=4),
    st.lists(st.integers(min_value=0)),
)
def test_any_record_is_read_back_however_the_log_is_cut(
    contents: list[dict[str, Any]], around: list[bytes], cuts: list[int]
) -> None:
    pieces = [
        around[number] + b"".join(format_mlflow_lines(number, format_content(each)))
        for number, each in enumerate(contents, start=1)
    ]
    log = b"".join(pieces) + around[0]
    places = sorted({cut % (len(log) + 1) for cut in cuts})
    chunks = [log[start:end] for start, end in zip([0, *places], [*places, len(log)], strict=True)]
    text, records = parse(*chunks)
    assert text == b"".join(around[1 : len(contents) + 1]) + around[0]
    assert records == [(number, json.loads(json.dumps(each))) for number, each in enumerate(contents, start=1)]
