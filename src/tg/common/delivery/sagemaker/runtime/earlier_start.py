"""Lets a container that is started again begin as a new one does, with nothing but its input and its checkpoints."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..contract.ml_folder import HOSTS, MlFolder

_MARK = "started"


def forget_earlier_start(folder: MlFolder) -> bool:
    """Removes what an earlier start of this container has left: its results, the reason of its end, its MLflow store.

    A file in ``output``, which no place brings back, tells the next start of this one. What the image itself has there
    stays for the first one.

    Returns:
        Whether there was one.
    """
    output = folder.failure.parent
    if (output / _MARK).exists():
        import shutil  # which the first start does not need: the relay stays small

        for each in [*_list(folder.model), *_list(folder.output_data), folder.mlflow, output / HOSTS, folder.failure]:
            with suppress(OSError):
                shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
        return True
    with suppress(OSError):  # what is not known then is only that there was a start
        output.mkdir(parents=True, exist_ok=True)
        (output / _MARK).touch()
    return False


def _list(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from list(folder.iterdir())
