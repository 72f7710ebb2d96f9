import os

import pytest

from tg.common.delivery.sagemaker.contract.job_lines import MARKER, format_job_lines, write_job_line
from tg.common.delivery.sagemaker.contract.log_event import LogEvent
from tg.common.delivery.sagemaker.contract.record_lines import RecordLineParser
from tg.common.delivery.sagemaker.contract.shown_log import without_record_lines


def test_a_short_record_takes_one_line_without_a_number() -> None:
    assert list(format_job_lines({"op": "progress", "done": 2, "unit": "#1"})) == [
        b'###JOB###{"op":"progress","done":2,"unit":"\\u00231"}###\n'
    ]


def test_a_long_record_takes_several_lines_and_is_read_back() -> None:
    content = {"op": "start", "libraries": "x" * 10_000}
    lines = list(format_job_lines(content))
    parser = RecordLineParser(MARKER)
    text, records = parser.feed(b"before " + lines[0] + b"between\n" + b"".join(lines[1:]) + b"after\n")
    assert (len(lines), text, [each.content for each in records]) == (3, b"before between\nafter\n", [content])


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_people_see_neither_job_lines_nor_lines_of_mlflow(step: int) -> None:
    log = b'a\n###JOB###{"op":"end"}###\n##b\n###MLFLOW###1:{"op":"x"}###\n50%###JOB###{"op":"end"}###\n c###JO'
    events = (LogEvent(log[start : start + step], 5) for start in range(0, len(log), step))
    assert b"".join(event.data for event in without_record_lines(events)) == b"a\n##b\n50% c###JO"


def test_a_line_is_one_write_to_the_log(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    writes = list[int]()
    write = os.write
    monkeypatch.setattr(os, "write", lambda number, data: writes.append(number) or write(number, data))
    write_job_line({"op": "end", "exit_code": 0})
    assert (capfd.readouterr().out, writes) == ('###JOB###{"op":"end","exit_code":0}###\n', [1])
