"""The artifacts that a training has given to MLflow, on their way into the result archive."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ....logger import Logger


@contextmanager
def moving_artifacts(store: Path, target: Path) -> Iterator[None]:
    """Moves, after the context, the artifacts of runs and models into ``target``; folders without files stay.

    Args:
        store: The store's folder.
        target: The folder for ``runs/<run id>`` and ``models/<model id>``.

    Raises:
        OSError: If they cannot be moved; after an error in the context, which matters more, that is only logged.
    """
    try:
        yield
    except BaseException:
        try:
            _move(store, target)
        except OSError as error:
            Logger.warning(f"MLflow's artifacts are not in the results: {error}")
        raise
    _move(store, target)


def find_owner(store: Path, path: Path) -> tuple[str, str, str] | None:
    """Finds whose artifact a path of a store is.

    Returns:
        ``run`` or ``model``, its id, and the path below its artifacts (empty for the folder itself); ``None`` for
        another path.
    """
    if not path.is_relative_to(store):
        return None
    match path.relative_to(store).parts[1:]:
        case ("models", model, "artifacts", *rest):
            return "model", model, "/".join(rest)
        case (run, "artifacts", *rest):
            return "run", run, "/".join(rest)
    return None


def _move(store: Path, target: Path) -> None:
    for name, folder in list(_list_folders(store)):
        if any(not path.is_dir() for path in folder.rglob("*")):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(folder, target / name)


def _list_folders(store: Path) -> Iterator[tuple[str, Path]]:
    """Yields the folders of artifacts, each with its name in the archive, as MLflow's file store lays them out."""
    for folder in store.glob("*/*/artifacts"):
        yield f"runs/{folder.parent.name}", folder
    for folder in store.glob("*/models/*/artifacts"):
        yield f"models/{folder.parent.name}", folder
