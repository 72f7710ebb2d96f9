"""Who may use the Docker daemon at the same time, whatever number of processes run tests."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def turn_at_the_daemon(request: pytest.FixtureRequest) -> Iterator[None]:
    """Waits for a turn: a test that looks at all that the daemon has is alone with it, the others share it.

    Args:
        request: The test's; one that uses the fixture ``nothing_is_left`` or has the mark ``alone_with_docker`` is
            alone.
    """
    factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # which the processes share
    is_alone = "nothing_is_left" in request.fixturenames or request.node.get_closest_marker("alone_with_docker")
    with (folder / "docker.gate").open("w") as gate, (folder / "docker.lock").open("w") as lock:
        # Who waits to be alone stands in the gate, so that nobody goes in before.
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(lock, fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield
