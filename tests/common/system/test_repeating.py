"""What is repeated beside other work never holds it up."""

import threading

import pytest

from tg.common.system.repeating import repeating


def test_it_is_done_again_and_again_and_finished() -> None:
    done, three = list[str](), threading.Event()

    def act() -> None:
        done.append("act")
        if len(done) == 3:
            three.set()

    with repeating(act, 0.001, "test", lambda: done.append("finish")):
        assert three.wait(10)
    assert done[:3] == ["act"] * 3
    assert (done.count("finish"), done[-1]) == (1, "finish")


def test_a_wait_that_another_thread_ends_is_no_end() -> None:
    done, three = list[str](), threading.Event()

    def be_interrupted() -> None:
        done.append("act")
        if len(done) == 3:
            three.set()
        raise KeyboardInterrupt

    with repeating(be_interrupted, 0.001, "test", lambda: done.append("finish")):
        assert three.wait(10)
        assert "finish" not in done
    assert done[-1] == "finish"


def test_what_hangs_is_left_behind() -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    def hang() -> None:
        has_begun.set()
        may_end.wait(60)

    with repeating(hang, 0.001, "test", patience_seconds=0.01):
        assert has_begun.wait(10)
    assert not may_end.is_set()
    may_end.set()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_it_is_finished_after_an_error_or_an_interrupt(error: type[BaseException]) -> None:
    done = list[str]()
    with pytest.raises(error), repeating(lambda: None, 60, "test", lambda: done.append("finish")):
        raise error
    assert done == ["finish"]
