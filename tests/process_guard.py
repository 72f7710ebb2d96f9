"""Keeps quick tests quick: what starts a process, a server or a container has the mark ``starts_process``.

Tests below ``tests/integration`` and those with one of these fixtures have it by themselves; any other test that does
so fails and names the mark. ``make check`` leaves the marked ones out.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FIXTURES = frozenset({"aws_server", "docker_client", "docker_daemon", "postgresql"})
INTEGRATION = Path(__file__).with_name("integration")

_STARTS = frozenset({"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"})
# Libraries ask these about the machine and the project, mostly once a process.
_QUESTIONS = frozenset({"git", "ldd", "lscpu", "uname"})


class ProcessGuard:
    """Hears what this process starts; there is one, as the interpreter cannot forget it."""

    def __init__(self) -> None:
        self._heard: list[str] | None = None
        sys.addaudithook(self._hear)

    def watch(self) -> Iterator[None]:
        """Watches a test.

        Raises:
            Failed: If it has started something.
        """
        heard = self._heard = []
        yield
        self._heard = None
        if heard:
            pytest.fail(f"this test starts something and is not marked with starts_process: {heard[0]}")

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._heard is None:
            return
        if event in _STARTS:
            self._heard.append(event)
        elif event == "subprocess.Popen" and os.path.basename(os.fspath(arguments[0])) not in _QUESTIONS:
            self._heard.append(f"{event} {arguments[1]!r:.200}")
        elif event == "socket.bind" and isinstance(arguments[1], tuple):
            self._heard.append(f"{event} {arguments[1]}")


def marks(item: pytest.Item) -> Iterator[pytest.MarkDecorator]:
    """What a test is marked with by where it is and by the fixtures it has."""
    fixtures = set(getattr(item, "fixturenames", ()))
    if INTEGRATION in item.path.parents or fixtures & FIXTURES:
        yield pytest.mark.starts_process
