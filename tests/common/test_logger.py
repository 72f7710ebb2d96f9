import importlib.util
import io
import logging
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tg.common import Logger
from tg.common import logger as logger_module


def test_a_line_has_time_level_and_text(capsys: pytest.CaptureFixture[str]) -> None:
    Logger.info("Starting stage 1/1")
    assert re.fullmatch(
        r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{6} INFO: Starting stage 1/1\n", capsys.readouterr().out
    )


def test_a_message_is_not_a_format(capsys: pytest.CaptureFixture[str]) -> None:
    Logger.warning("100 % of {rows}, %s")
    assert capsys.readouterr().out.endswith(" WARNING: 100 % of {rows}, %s\n")


@pytest.mark.starts_process
def test_what_is_no_text_is_escaped() -> None:
    script = r"import tg.common as c; c.Logger.info('no file \udcff.csv')"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.endswith(" INFO: no file \\udcff.csv\n")
    assert result.stderr == ""


def test_an_error_brings_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("no such thing")
    except ValueError as error:
        Logger.error("it failed", error)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(" ERROR: it failed")
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1] == "ValueError: no such thing"


def test_handlers_can_be_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            collected.append(self.format(record))

    collected: list[str] = []
    logger = logging.getLogger(Logger.name)
    Logger.info("before")
    previous = list(logger.handlers)
    try:
        Logger.replace_handlers(Collector())
        Logger.info("after")
    finally:
        logger.handlers[:] = previous
    assert [line.partition(" INFO: ")[2] for line in collected] == ["after"]
    assert "after" not in capsys.readouterr().out


@pytest.mark.starts_process
def test_a_training_goes_on_when_nobody_reads_it_any_more() -> None:
    script = """
        import sys, tg.common as c
        c.Logger.info("one")
        sys.stdin.readline()
        for number in range(3):
            c.Logger.info(number)
        print("print is heard by nobody either")
        sys.stderr.write("done")
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdin is not None
        assert process.stdout.readline().endswith(" INFO: one\n")
        process.stdout.close()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stderr.read() == "done"
        assert process.wait() == 0


@pytest.mark.starts_process
def test_characters_that_a_terminal_has_none_for_are_escapes() -> None:
    script = "import tg.common as c; c.Logger.info('2 \u20ac \u2713')"
    variables = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, env=variables, check=True)
    assert result.stdout.endswith(b" INFO: 2 \\u20ac \\u2713\n")
    assert result.stderr == b""


def test_what_takes_the_place_of_stdout_may_be_simple(monkeypatch: pytest.MonkeyPatch) -> None:
    class Simple:
        def __init__(self) -> None:
            self.written: list[str] = []

        def write(self, text: str) -> None:
            self.written.append(text)

        def flush(self) -> None:
            pass

    simple = Simple()
    monkeypatch.setattr(sys, "stdout", simple)
    Logger.info("heard \u2713")
    assert [text.partition(" INFO: ")[2] for text in simple.written] == ["heard \u2713\n"]


def test_without_stdout_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    Logger.info("nobody hears it")


@pytest.mark.starts_process
def test_importing_sets_up_no_logging() -> None:
    script = "import logging, tg.common as c; print(logging.getLogger(c.Logger.name).handlers, logging.root.handlers)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[] []"


def test_the_handler_of_a_package_that_is_loaded_here_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    source = Path(logger_module.__file__)
    spec = importlib.util.spec_from_file_location("tg.common.logger_of_a_package", source)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    logger = logging.getLogger(Logger.name)
    before = list(logger.handlers)
    logger.handlers[:] = []
    try:
        loaded.Logger.info("of the package")  # which gives the logger a handler of its own class
        heard = logging.StreamHandler(io.StringIO())
        with Logger.instead_of_stdout(heard):
            Logger.info("once")
    finally:
        logger.handlers[:] = before
    assert heard.stream.getvalue().count("once") == 1
    assert "once" not in capsys.readouterr().out
