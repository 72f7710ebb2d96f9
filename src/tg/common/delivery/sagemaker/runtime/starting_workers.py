"""Keeps a worker process from starting the training that it is to work for."""

import multiprocessing

from ....errors import TgError


def is_starting_worker() -> bool:
    """Whether ``multiprocessing`` has started this process afresh, and it imports the program that it works for."""
    # As multiprocessing looks at it itself, when a worker starts others then.
    return bool(getattr(multiprocessing.current_process(), "_inheriting", False))


def refuse_in_starting_worker() -> None:
    """Keeps a program that trains where it is imported from training once more in each of its workers.

    Raises:
        TgError: In such a worker.
    """
    if is_starting_worker():
        raise TgError(
            "a worker process of a training must not start the training again; start it below "
            "`if __name__ == '__main__':` in the program"
        )
