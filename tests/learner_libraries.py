"""Which optional libraries a test needs."""

import pytest


def require(library: str) -> None:
    """Skips the test where the library, or PyTorch where it needs that, is not installed."""
    if library in ("keras", "skorch"):
        pytest.importorskip("torch", reason="there is no build of PyTorch for CPUs here")
    pytest.importorskip(library, reason=f"{library} is not installed; it is in the extra `learners`")
