"""Pools that cannot start, and those that only look so."""

import functools
import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tg.common import TrainingError
from tg.common.delivery.sagemaker.runtime.pool_start import ending_pools_that_cannot_start

pytestmark = pytest.mark.starts_process

# The quickest start; whether a worker dies does not depend on how it was started.
CONTEXT = multiprocessing.get_context("fork")


def refuse() -> None:
    sys.exit(3)


class Unreadable:
    """What a worker cannot read, such as a function of a notebook."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return pickle.loads, (b"no pickle",)


def die_on_odd(number: int) -> int:
    if number % 2:
        os._exit(1)
    return number


@pytest.mark.parametrize(
    "ask",
    [
        lambda pool: pool.map(abs, range(10), 1),
        lambda pool: list(pool.imap(abs, range(10))),
        lambda pool: list(pool.imap_unordered(abs, range(10))),
        lambda pool: pool.apply(abs, (1,)),
        lambda pool: pool.starmap_async(abs, [(1,), (2,)], 1).get(),
    ],
)
def test_a_pool_whose_workers_end_at_their_start_raises_an_error(ask: Callable[[Any], object]) -> None:
    # Without the size of its parts, Pool divides by how many workers live, which may be none at that moment.
    # Four of two are enough; a pool may have started some more before that is seen.
    message = r"Pool cannot start: [4-8] of its workers have ended .*, the last one with exit code 3; what they said"
    with ending_pools_that_cannot_start(), CONTEXT.Pool(2, refuse) as pool, pytest.raises(TrainingError, match=message):
        ask(pool)


def test_a_pool_whose_workers_cannot_read_their_work_raises_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    unreadable = functools.partial(max, Unreadable())
    with ending_pools_that_cannot_start():
        pool = CONTEXT.Pool(2)
        try:
            with pytest.raises(TrainingError, match="exit code 1;"):
                pool.map(unreadable, range(10))
        finally:
            with suppress(pickle.UnpicklingError):  # the pool reads itself what no worker has taken
                pool.terminate()
    assert "UnpicklingError" in capfd.readouterr().err


def test_workers_that_end_after_a_result_are_replaced() -> None:
    with ending_pools_that_cannot_start(), CONTEXT.Pool(2) as pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]
        lost = [pool.apply_async(die_on_odd, (1,)) for _ in range(6)]
        assert pool.map(die_on_odd, range(0, 20, 2)) == list(range(0, 20, 2))
        assert not any(each.ready() for each in lost)


def test_workers_for_one_task_each_are_replaced() -> None:
    with ending_pools_that_cannot_start(), CONTEXT.Pool(2, maxtasksperchild=1) as pool:
        assert pool.map(abs, range(-20, 0), chunksize=1) == list(range(20, 0, -1))


def test_pools_are_as_before_afterwards() -> None:
    pool = multiprocessing.pool.Pool
    before = dict(vars(pool))
    with ending_pools_that_cannot_start():
        assert dict(vars(pool)) != before
    assert dict(vars(pool)) == before
