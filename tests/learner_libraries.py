"""Which optional libraries a test needs."""

import os

import pytest

# Before Keras is imported: it would look for TensorFlow, and the tests would be skipped as if there were no Keras.
os.environ.setdefault("KERAS_BACKEND", "torch")


def require(library: str) -> None:
    """Skips the test where the library, or PyTorch where it needs that, is not installed."""
    if library in ("keras", "skorch"):
        pytest.importorskip("torch", reason="there is no build of PyTorch for CPUs here")
    pytest.importorskip(library, reason=f"{library} is not installed; it is in the extra `learners`")
