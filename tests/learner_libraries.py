"""Which optional libraries a test needs."""

import os
import shutil
from importlib.metadata import files
from pathlib import Path

import pytest

from tg.common.delivery.delivery.code.installed_distributions import find_distribution, find_required

# Before Keras is imported: it would look for TensorFlow, and the tests would be skipped as if there were no Keras.
os.environ.setdefault("KERAS_BACKEND", "torch")


def require(library: str) -> None:
    """Skips the test where the library, or PyTorch where it needs that, is not installed."""
    if library in ("keras", "skorch"):
        pytest.importorskip("torch", reason="there is no build of PyTorch for CPUs here")
    pytest.importorskip(library, reason=f"{library} is not installed; it is in the extra `learners`")


def link_libraries(folder: Path, *names: str) -> None:
    """Puts installed distributions, with all that they require, into a folder: a third of what is installed here.

    They are hard links, or copies on another file system. Skips the test where one of the names is not installed.
    """
    for name in names:
        if find_distribution(name) is None:
            pytest.skip(f"{name} is not installed; `make test` installs it if there is a build of PyTorch for CPUs")
    for name in find_required(names):
        for file in files(name) or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    target.hardlink_to(file.locate())  # type: ignore[arg-type]
                except OSError:
                    shutil.copy(str(file.locate()), target)
