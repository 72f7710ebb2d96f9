import itertools
import math
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common.delivery.sagemaker import MetricLineParser, MetricPoint, format_metric_line


def parse(*chunks: bytes, time_ms: int = 7) -> list[MetricPoint]:
    parser = MetricLineParser()
    return [point for chunk in chunks for point in parser.feed(chunk, time_ms)] + parser.finish(time_ms)


def test_a_line_is_that_of_the_source_document() -> None:
    assert format_metric_line("roc_auc_score_test", 0.8538095238095237) == (
        "###METRIC###roc_auc_score_test:0.8538095238095237###"
    )
    assert format_metric_line("loss", 0.5, step=3) == "###METRIC###loss:0.5###step:3###"
    assert format_metric_line("loss", 0.5, time_ms=12) == "###METRIC###loss:0.5###time:12###"
    assert format_metric_line("loss", 0.5, 3, 12) == "###METRIC###loss:0.5###step:3;time:12###"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"2022-12-20 16:37:44.614647 INFO: ###METRIC###a:0.5###\n", MetricPoint("a", 0.5, 0, 7)),
        (b"algo-1-abc | ###METRIC###a:1e-05###\r\n", MetricPoint("a", 1e-05, 0, 7)),
        (b"###METRIC###a:-0.1###", MetricPoint("a", -0.1, 0, 7)),
        (b"###METRIC###a:+3###", MetricPoint("a", 3.0, 0, 7)),
        (b"###METRIC###a:inf###", MetricPoint("a", math.inf, 0, 7)),
        (b"###METRIC###a:b/c d:2###\n", MetricPoint("a:b/c d", 2.0, 0, 7)),
        ("###METRIC###größe:2###\n".encode(), MetricPoint("größe", 2.0, 0, 7)),
        (b"###METRIC###a:1###step:5###\n", MetricPoint("a", 1.0, 5, 7)),
        (b"###METRIC###a:1###time:99###\n", MetricPoint("a", 1.0, 0, 99)),
        (b"###METRIC###a:1###step:5;time:99###\n", MetricPoint("a", 1.0, 5, 99)),
        (b"\x1b[32m###METRIC###a:1###\x1b[0m\n", MetricPoint("a", 1.0, 0, 7)),
        (b"50%|##### | 1/2\r###METRIC###a:1###\r", MetricPoint("a", 1.0, 0, 7)),
        (b"\xff\xfe###METRIC###a:1###\xff\n", MetricPoint("a", 1.0, 0, 7)),
        (b"#015100%|####|#015###METRIC###a:1####015", MetricPoint("a", 1.0, 0, 7)),
        (b"100%|########METRIC###a:1###\n", MetricPoint("a", 1.0, 0, 7)),
        (b"###METRIC###a:\x1b[1m1\x1b[0m###\n", MetricPoint("a", 1.0, 0, 7)),
        (b"###METRIC###a:1###step:x###\n", MetricPoint("a", 1.0, 0, 7)),
        (b"###METRIC###a:1\x1b[?25h###\n", MetricPoint("a", 1.0, 0, 7)),
        (b"###METRIC###\x1b[1;38;5;4ma\x1b(B\x1b[m:1\x1b[K###\n", MetricPoint("a", 1.0, 0, 7)),
        (b"\x1b]0;epoch 1\x07###METRIC###a:\x1b]8;;http://h\x1b\\1\x1b]8;;\x1b\\###\n", MetricPoint("a", 1.0, 0, 7)),
        (b"###METRIC###a:1###\x1b[0mstep:\x1b[36m5\x1b[0m;time:99###\n", MetricPoint("a", 1.0, 5, 99)),
        (b"\x1b[1m###\x1b[35mMETRIC\x1b[0m###a:1###\n", MetricPoint("a", 1.0, 0, 7)),
        (b"\x1b7###METRIC###a:1###\x1b8\n", MetricPoint("a", 1.0, 0, 7)),
        (b"\x1b[###METRIC###a:1\x1b###\x1b]0;\n", MetricPoint("a", 1.0, 0, 7)),
        (b"###METRIC###gr\xf6\xdfe:1###\n", MetricPoint("gr\\xf6\\xdfe", 1.0, 0, 7)),
    ],
)
def test_one_metric_is_read(line: bytes, expected: MetricPoint) -> None:
    assert parse(line) == [expected]


@pytest.mark.parametrize("value", ["1_000", "tensor(0.5)", "", "1,5", "0x10", "one", "1e"])
def test_what_is_no_number_is_counted(value: str) -> None:
    parser = MetricLineParser()
    assert parser.feed(f"###METRIC###a:{value}###\n".encode(), 7) == []
    assert parser.unreadable_count == 1
    assert parser.first_unreadable == f"###METRIC###a:{value}###"


@pytest.mark.parametrize(
    ("text", "unreadable", "names"),
    [
        (b"###METRIC###:1###\n", 1, []),
        (b"###METRIC###a###METRIC###b:1###\n", 1, ["b"]),
        (b"###METRIC###a:1\n###METRIC###b:1###\n", 1, ["b"]),
        (b"###METRIC###a:1##\n", 1, []),
        (b"###METRIC###a 1###\n", 1, []),
        (b"##METRIC###a:1###\n", 0, []),
    ],
)
def test_what_is_no_metric_does_not_hide_the_next(text: bytes, unreadable: int, names: list[str]) -> None:
    parser = MetricLineParser()
    assert [point.name for point in parser.feed(text, 7)] == names
    assert parser.unreadable_count == unreadable


def test_the_plain_form_of_the_in_memory_environment_is_no_metric() -> None:
    text = b"2022-12-20 17:37:25 INFO: ###roc_auc_score_test:0.8538095238095237\n2022 INFO: ###a:b:1\r\n"
    assert MetricLineParser().feed(text, 7) == []


def test_names_that_are_no_utf_8_are_not_confused() -> None:
    points = parse(b"###METRIC###gr\xf6\xdfe:1###\n", b"###METRIC###gr\xe4\xdfe:2###\n")
    assert [(point.name, point.step) for point in points] == [("gr\\xf6\\xdfe", 0), ("gr\\xe4\\xdfe", 0)]


@pytest.mark.parametrize(("size", "is_read"), [(4094, True), (4095, False)])
def test_the_length_of_a_metric_is_bounded_however_it_is_divided(size: int, is_read: bool) -> None:
    text = b"###METRIC###" + b"x" * size + b":1###"
    for ending in (b"\n", b" " * 5000):
        for piece in (1, 4000, 10_000):
            parser = MetricLineParser()
            pieces = [(text + ending)[start : start + piece] for start in range(0, len(text + ending), piece)]
            points = [point for each in pieces for point in parser.feed(each, 7)]
            assert [point.name for point in points] == ["x" * size] * is_read
            assert parser.unreadable_count == 1 - is_read
            assert len(parser._names) == is_read


def test_a_metric_in_a_line_without_an_end_is_there_before_the_line_gets_long() -> None:
    parser = MetricLineParser()
    assert parser.feed(b"###METRIC###a:1###", 7) == []
    assert parser.feed(b"." * 64, 8) == [MetricPoint("a", 1.0, 0, 8)]


def test_metrics_in_a_line_without_an_end_are_read() -> None:
    text = b"".join(b"x" * 3000 + format_metric_line("a", 0.5, step).encode() for step in range(20))
    for size in (1, 7, 1000, 5000, len(text)):
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        assert [point.step for point in parse(*pieces)] == list(range(20))


def test_values_without_a_step_are_counted_by_name() -> None:
    points = parse(b"###METRIC###a:1### ###METRIC###b:5###\n###METRIC###a:2###\n")
    assert [(point.name, point.value, point.step) for point in points] == [("a", 1.0, 0), ("b", 5.0, 0), ("a", 2.0, 1)]


def test_a_metric_is_there_as_soon_as_its_line_has_ended() -> None:
    parser = MetricLineParser()
    assert parser.feed(b"###METRIC###a:1###", 7) == []  # a step may follow
    assert parser.feed(b"\n", 8) == [MetricPoint("a", 1.0, 0, 8)]


def test_memory_is_bounded_on_a_line_without_an_end() -> None:
    parser = MetricLineParser()
    for _ in range(100):
        assert parser.feed(b"x" * 100_000, 7) == []
        assert parser.feed(b"###METRIC###" + b"y" * 100_000, 7) == []
        assert len(parser._rest) < 10_000
        assert parser.feed(b"###METRIC###b:1###" + b"\x1b[" + b"0" * 100_000, 7) == [MetricPoint("b", 1.0, ANY, 7)]
        assert len(parser._rest) < 10_000
    assert parser.unreadable_count == 100
    assert parser.feed(b"###METRIC###a:1###\n", 7) == [MetricPoint("a", 1.0, 0, 7)]


names = st.text(min_size=1, max_size=20).filter(
    lambda text: len(text.splitlines()) == 1 and not {"#", "\x1b"} & {*text} and text == text.strip()
)
metrics = st.lists(
    st.tuples(names, st.floats(allow_nan=False), st.one_of(st.none(), st.integers(-(10**17), 10**17))), max_size=5
)


@given(metrics, st.binary(max_size=30), st.lists(st.integers(0, 500), max_size=6))
def test_any_division_of_the_bytes_gives_the_same_metrics(
    written: list[tuple[str, float, int | None]], noise: bytes, cuts: list[int]
) -> None:
    text = b"".join(
        noise.translate(None, b"#\x1b") + format_metric_line(name, value, step).encode("utf-8", "surrogatepass") + b"\n"
        for name, value, step in written
    )
    whole = parse(text)
    positions = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in itertools.pairwise(positions)]
    assert parse(*pieces) == whole
    assert [(point.name, point.value) for point in whole] == [(name, value) for name, value, _ in written]
    assert [point.step for point, (_, _, step) in zip(whole, written, strict=True) if step is not None] == [
        step for _, _, step in written if step is not None
    ]


# Of what a line may consist, with what is too long among it.
parts = st.sampled_from(
    [
        *(b"###METRIC###", b"###", b"#", b"METRIC###", b"a:1###", b"a:1", b":", b"1", b"nan", b"\xff", b" ", b"#015"),
        *(b"step:5###", b"time:7###", b"step:5;time:8###", b"step:", b"\n", b"\r"),
        *(b"\x1b[0m", b"\x1b", b"[", b"m", b"\x1b[?25", b"\x1b]0;t", b"\x07", b"\x1b\\", b"\x1b(B", b"\\"),
        *(b"x" * 64, b"x" * 500, b"x" * 4096, b"a:" + b"1" * 4094, b"x" * 10_000, b"\x1b[" + b"0" * 500),
    ]
)


@given(st.lists(parts, max_size=12).map(b"".join), st.lists(st.integers(0, 12_000), max_size=12))
def test_any_division_of_any_bytes_gives_the_same(text: bytes, cuts: list[int]) -> None:
    told = []
    for positions in ([0, len(text)], sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})):
        parser = MetricLineParser()
        points = []
        for start, end in itertools.pairwise(positions):
            points += parser.feed(text[start:end], 7)
            assert len(parser._rest) < 10_000
        points += parser.finish(7)
        told.append((repr(points), parser.unreadable_count, parser.first_unreadable))  # NaN differs from NaN
    assert told[0] == told[1]


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_nothing_raises(chunks: list[bytes]) -> None:
    parse(*(chunk.replace(b"M", b"###METRIC###") for chunk in chunks))
