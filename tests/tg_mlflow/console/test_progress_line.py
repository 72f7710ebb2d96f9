import io
import os
import pty
import sys

import pytest

from tg.common.delivery.sagemaker import LogEvent
from tg_mlflow.console import ProgressLine, showing, showing_progress

HALF = "[##########..........] epoch 2 of 4"
CLEAR = "\r\x1b[K"


class Training:
    tell = None


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("TG_VERBOSITY", raising=False)


def test_a_line_is_written_over_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    line = ProgressLine(stream)
    line.clear()  # there is none yet
    line.redraw()
    line.show(2, 4, "epoch 2 of 4")
    line.show(4, 4, "epoch 4 of 4")
    line.close()
    line.redraw()
    assert stream.getvalue() == f"{CLEAR}{HALF}\r{CLEAR}[{'#' * 20}] epoch 4 of 4\r{CLEAR}"


def test_a_line_is_no_longer_than_the_terminal_and_changes_nothing_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "33")
    stream = io.StringIO()
    ProgressLine(stream).show(2, 4, "a\x1b[31mb\nc" + "x" * 50)
    assert stream.getvalue() == f"{CLEAR}[##########..........] a[31mbcxx\r"


def test_output_of_a_training_stands_above_its_progress(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    both = io.StringIO()
    both.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", both)
    monkeypatch.setattr(sys, "stdout", both)
    training = Training()
    with showing(None, training) as show:
        assert training.tell is not None
        training.tell(2, 4, "epoch 2 of 4")
        show(LogEvent(b"loss 0.5\n", 0))
        show(LogEvent(b"half of ", 0))
        show(LogEvent(b"a line\n", 0))
    assert training.tell is None
    assert both.getvalue() == (f"{CLEAR}{HALF}\r{CLEAR}loss 0.5\n{HALF}\r{CLEAR}half of a line\n{HALF}\r{CLEAR}")


@pytest.mark.parametrize(("variable", "value"), [("TERM", "dumb"), ("TG_VERBOSITY", "quiet")])
def test_there_is_no_line_where_it_is_not_wanted(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    controller, terminal = pty.openpty()
    try:
        with open(terminal, "w") as stream:
            monkeypatch.setattr(sys, "stderr", stream)
            with showing_progress() as line:
                assert line is not None
            monkeypatch.setenv(variable, value)
            with showing_progress() as line:
                assert line is None
    finally:
        os.close(controller)


def test_there_is_no_line_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    training = Training()
    with showing(None, training):
        assert training.tell is None
