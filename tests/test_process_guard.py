"""A test that starts something without saying so fails."""

import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.process_guard import ProcessGuard

pytestmark = pytest.mark.starts_process


def start_a_program() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def start_a_server() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))


def ask_a_question() -> None:
    subprocess.run(["uname"], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (start_a_program, r"is not marked with starts_process: subprocess\.Popen \['.*python.*', '-c', ''\]"),
        (start_a_server, r"is not marked with starts_process: socket\.bind \('127\.0\.0\.1', 0\)"),
    ],
    ids=["program", "server"],
)
def test_what_starts_something_is_told_the_mark(start: Callable[[], None], message: str) -> None:
    watched = ProcessGuard().watch()
    next(watched)
    start()
    with pytest.raises(pytest.fail.Exception, match=message):
        next(watched)


def test_a_question_about_the_machine_is_none() -> None:
    watched = ProcessGuard().watch()
    next(watched)
    ask_a_question()
    assert list(watched) == []
