"""Which optional libraries a test needs."""

import importlib.util
import os
from pathlib import Path

import pytest

# Before Keras is imported: it would look for TensorFlow, and the tests would be skipped as if there were no Keras.
os.environ.setdefault("KERAS_BACKEND", "torch")


def require(library: str) -> None:
    """Skips the test where the library, or PyTorch where it needs that, is not installed."""
    if library in ("keras", "skorch"):
        pytest.importorskip("torch", reason="there is no build of PyTorch for CPUs here")
    pytest.importorskip(library, reason=f"{library} is not installed; it is in the extra `learners`")


def find_libraries(*names: str) -> Path:
    """Finds the folder that libraries are installed in, without importing them; skips the test where one is missing."""
    for name in names:
        if (found := importlib.util.find_spec(name)) is None:
            pytest.skip(f"{name} is not installed; `make test` installs it if there is a build of PyTorch for CPUs")
        assert found.origin is not None
    return Path(found.origin).parents[1]
