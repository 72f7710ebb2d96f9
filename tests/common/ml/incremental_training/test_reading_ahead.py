"""Items that a thread makes ahead."""

import threading
from collections.abc import Iterator

import pytest

from tg.common.ml.incremental_training.reading_ahead import reading_ahead


def test_the_next_item_is_made_while_the_last_one_is_used() -> None:
    is_made = [threading.Event() for _ in range(3)]

    def make() -> Iterator[int]:
        for number, event in enumerate(is_made):
            event.set()
            yield number

    items = reading_ahead(make())
    assert next(items) == 0
    assert is_made[1].wait(10)
    assert list(items) == [1, 2]


def test_an_error_comes_in_place_of_its_item() -> None:
    def make() -> Iterator[int | None]:
        yield None
        raise ValueError("no more")

    items = reading_ahead(make())
    assert next(items) is None
    with pytest.raises(ValueError, match="no more"):
        next(items)


def test_nothing_is_left_running_where_it_is_not_read_to_the_end() -> None:
    items = reading_ahead(iter(range(10)))
    next(items)
    items.close()  # type: ignore[attr-defined]  # it is a generator
    assert [each.name for each in threading.enumerate() if each.name.startswith("reading-ahead")] == []
