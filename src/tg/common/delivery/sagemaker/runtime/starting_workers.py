"""Keeps a worker process from starting the training that it works for."""

import multiprocessing

from ....errors import TgError


def is_starting_worker() -> bool:
    """Returns whether ``multiprocessing`` has spawned this process, and it still imports the main program."""
    # As multiprocessing itself checks it, when a worker starts others then.
    return bool(getattr(multiprocessing.current_process(), "_inheriting", False))


def refuse_in_starting_worker() -> None:
    """Keeps a program that trains when imported from training again in each of its workers.

    Raises:
        TgError: In such a worker.
    """
    if is_starting_worker():
        raise TgError(
            "a worker process of a training must not start the training again; start it below "
            "`if __name__ == '__main__':` in the program"
        )
