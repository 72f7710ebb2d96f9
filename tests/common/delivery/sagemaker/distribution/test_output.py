import os

import pytest

from tg.common.delivery.sagemaker.distribution.output import OutputPump, format_foreign


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"text\n", b"algo-2 rank 1 | text\n"),
        (b"###METRIC###loss:0.5###step:1###\n", b"algo-2 rank 1 | metric loss:0.5###step:1###\n"),
        (b'###JOB###{"op":"start"}###\n', b""),
        (b'###MLFLOW###1:{"op":"batch"}###\n', b""),
        (b"2026-12-01 04:00:31.980254 INFO: DONE. Exiting Training Grounds.\n", b""),
    ],
)
def test_nothing_of_another_process_counts(line: bytes, shown: bytes) -> None:
    assert format_foreign(b"algo-2 rank 1 | ", line) == shown


def pump(*pieces: bytes, prefix: bytes | None) -> list[bytes]:
    reader, writer = os.pipe()
    taken: list[bytes] = []
    running = OutputPump(reader, taken.append, prefix)
    for piece in pieces:
        os.write(writer, piece)
    os.close(writer)
    running.join(60)
    return taken


def test_lines_are_passed_on_whole() -> None:
    assert b"".join(pump(b"on", b"e\ntw", b"o\n\nthree", prefix=b"x | ")) == b"x | one\nx | two\nx | three\n"
    taken = pump(b"on", b"e\ntw", b"o", prefix=None)
    assert b"".join(taken) == b"one\ntwo\n"
    assert all(each.endswith(b"\n") for each in taken)
