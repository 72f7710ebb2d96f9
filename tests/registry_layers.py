"""Keeps the large layers that tests push to their registries, for the registries of the next time.

The daemon compresses a layer for each registry that lacks it: twenty seconds of a core for the libraries of a training,
whose layer is the same for months. What it has pushed before, it recognizes in a repository by its digest.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tg-mlflow-tests" / "layers"
"""A tree like a registry's own, with large layers and the names of the repositories that had them; no image."""

_LEAST_BYTES = 5_000_000
_MOST_BYTES = 2_000_000_000


def bring_layers(images: Path, kept: Path = KEPT) -> None:
    """Gives the layers to a registry that has not started, in the repositories that had them.

    Args:
        images: The registry's folder of images, which does not exist yet.
        kept: Where they are kept.
    """
    with _turn(kept) as tree:
        if tree.is_dir():
            shutil.copytree(tree, _tree_of(images), copy_function=_bring)


def keep_layers(images: Path, kept: Path = KEPT) -> None:
    """Keeps the large layers of a registry that has ended, also those that it was given.

    If that is too much, nothing is kept, so that what nobody needs any more does not stay for ever.
    """
    source = _tree_of(images)
    large = {data.parent.name for data in source.glob("blobs/sha256/*/*/data") if data.stat().st_size >= _LEAST_BYTES}
    with _turn(kept) as tree:
        for link in source.glob("repositories/**/_layers/sha256/*/link"):
            digest = link.parent.name
            if digest in large:
                data = Path("blobs", "sha256", digest[:2], digest, "data")
                for name in (data, link.relative_to(source)):
                    (tree / name).parent.mkdir(parents=True, exist_ok=True)
                    if not (tree / name).exists():
                        _bring(source / name, tree / name)
        if sum(data.stat().st_size for data in tree.glob("blobs/sha256/*/*/data")) > _MOST_BYTES:
            shutil.rmtree(tree)


def _tree_of(images: Path) -> Path:
    return images / "docker" / "registry" / "v2"


def _bring(source: "Path | str", target: "Path | str") -> None:
    """Copies a file; a registry never changes a layer's, so that one file is enough for all."""
    if Path(source).name == "data":
        try:
            os.link(source, target)
        except OSError:  # on another disk
            shutil.copyfile(source, target)
    else:
        shutil.copyfile(source, target)


@contextmanager
def _turn(kept: Path) -> Iterator[Path]:
    """Keeps other processes out of the folder meanwhile."""
    kept.mkdir(parents=True, exist_ok=True)
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _tree_of(kept)
