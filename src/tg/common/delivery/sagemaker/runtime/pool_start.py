"""Ends a training whose ``multiprocessing.Pool`` cannot start its workers; the pool itself would retry for ever."""

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from multiprocessing.pool import Pool
from typing import Any

from ....errors import TrainingError

# How many workers may end without a result, and how many for each worker of the pool.
_FEWEST_ENDS = 4
_ENDS_PER_WORKER = 2
_WORKED = "_tg_has_worked"


@contextmanager
def ending_pools_that_cannot_start() -> Iterator[None]:
    """Makes calls that wait for a pool fail, while the context is open, if its workers end before any result.

    A pool replaces each worker that ends. A pool that has returned a result is left alone, also if its workers end
    later or after a number of tasks. :class:`concurrent.futures.ProcessPoolExecutor` and the like do not need this:
    they raise an error for the first worker that ends.

    The waiting calls raise a :class:`TrainingError`.
    """
    # In place, as classes of other libraries, such as torch's and joblib's, derive from this one.
    handle_workers, handle_results = vars(Pool)["_handle_workers"], vars(Pool)["_handle_results"]

    def watch_workers(
        cls: type, cache: Any, taskqueue: Any, ctx: Any, process: Any, processes: int, pool: list[Any], *rest: Any
    ) -> None:
        start = _watch_start(cache, process, processes, list(pool))
        handle_workers.__func__(cls, cache, taskqueue, ctx, start, processes, pool, *rest)

    def watch_results(outqueue: Any, get: Callable[[], Any], cache: Any) -> None:
        def get_noting() -> Any:
            result = get()
            if result is not None:  # with which the pool ends
                setattr(cache, _WORKED, True)
            return result

        handle_results.__func__(outqueue, get_noting, cache)

    changed: dict[str, Any] = {
        "_handle_workers": classmethod(watch_workers),
        "_handle_results": staticmethod(watch_results),
    }
    for name, function in changed.items():
        setattr(Pool, name, function)
    try:
        yield
    finally:
        Pool._handle_workers, Pool._handle_results = handle_workers, handle_results  # type: ignore[attr-defined]


def _watch_start(cache: Any, process: Callable[..., Any], processes: int, workers: list[Any]) -> Callable[..., Any]:
    most = max(_FEWEST_ENDS, _ENDS_PER_WORKER * processes)

    def start(*arguments: Any, **options: Any) -> Any:
        """Replaces a worker that has ended."""
        worker = process(*arguments, **options)
        if hasattr(cache, _WORKED):
            return worker
        codes = [each.exitcode for each in workers if each.exitcode is not None]
        workers.append(worker)
        if len(codes) >= most:
            _fail_all(
                cache,
                TrainingError(
                    f"a multiprocessing.Pool cannot start: {len(codes)} of its workers have ended before any gave a "
                    f"result, the last one with exit code {codes[-1]}; what they said is in the log above"
                ),
            )
        return worker

    return start


def _fail_all(cache: MutableMapping[int, Any], error: Exception) -> None:
    for result in list(cache.values()):
        # A map waits for each of its parts, an iterator for the next one; others are ready at once.
        for _ in range(getattr(result, "_number_left", 1)):
            result._set(getattr(result, "_index", 0), (False, error))
