"""A mark says when its process is gone, and of processes of other machines nothing."""

import os
import signal

import pytest

from tg.common.system.process_mark import is_gone, mark_process


def test_this_process_is_there() -> None:
    assert not is_gone(mark_process())
    assert '"' not in mark_process()


@pytest.mark.parametrize(
    "mark", ["", "unknown 1 1", "another/pid:[1] 1 1", "no mark at all", "{place} x 1", "{place} 1 "]
)
def test_of_other_marks_nothing_is_known(mark: str) -> None:
    assert not is_gone(mark.format(place=mark_process().partition(" ")[0]))


@pytest.mark.starts_process
def test_a_process_that_was_killed_is_gone_once_it_runs_no_more() -> None:
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, mark_process().encode())
        signal.pause()
    mark = os.read(reader, 1000).decode()
    assert not is_gone(mark)
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # a zombie
    assert is_gone(mark)
    os.waitpid(child, 0)
    assert is_gone(mark)
