"""Makes the next item while the last one is used."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_END: Any = object()


def reading_ahead(items: Iterator[T]) -> Iterator[T]:
    """Yields the items, in order, each of which a thread has made meanwhile.

    Raises:
        Exception: What making an item has raised, in place of that item.
    """
    with ThreadPoolExecutor(1, "reading-ahead") as thread:
        coming = thread.submit(next, items, _END)
        while (item := coming.result()) is not _END:
            coming = thread.submit(next, items, _END)
            yield item
