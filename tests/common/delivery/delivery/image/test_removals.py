"""What a build leaves is removed at once, or beside what follows."""

import threading

import pytest

from tg.common.delivery.delivery.image.removals import remove, removing_meanwhile


def test_it_is_removed_at_once() -> None:
    removed: list[threading.Thread] = []
    remove(lambda: removed.append(threading.current_thread()))
    assert removed == [threading.main_thread()]


def test_or_beside_what_follows_and_is_waited_for() -> None:
    goes_on = threading.Event()
    removed: list[bool] = []

    def fail() -> None:
        with removing_meanwhile():
            remove(lambda: removed.append(goes_on.wait(20)))
            assert removed == []
            goes_on.set()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert removed == [True]
