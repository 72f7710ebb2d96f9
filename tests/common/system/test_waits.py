"""What a thread waits for is told to who wants to know it."""

import threading

import pytest

from tg.common.system.waits import telling_waits, waiting_for


def test_the_beginning_and_the_end_of_each_wait_is_told() -> None:
    told: list[str | None] = []
    with telling_waits(told.append):
        with waiting_for("a quota"), waiting_for("the network"):
            pass
        with pytest.raises(ZeroDivisionError), waiting_for("its image"):
            raise ZeroDivisionError
    with waiting_for("nobody listens any more"):
        pass
    assert told == ["a quota", "the network", "a quota", None, "its image", None]


def test_the_waits_of_other_threads_are_theirs() -> None:
    told: list[str | None] = []

    def wait() -> None:
        with waiting_for("a quota"):
            pass

    with telling_waits(told.append):
        other = threading.Thread(target=wait)
        other.start()
        other.join()
    assert told == []
