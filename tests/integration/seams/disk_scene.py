"""Faults between a launcher and the disk of its machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.seams.faults import Calls
from tests.integration.seams.haste import DISK_VARIABLE
from tests.integration.seams.scene import StoredScene


class DiskScene(StoredScene):
    """Trains where the launcher, and only it, is refused files of its jobs and temporary files."""

    keeps_jobs = True  # what a disk refuses to remove stays

    @contextmanager
    def open_seam(self, folder: Path, calls: Calls) -> Iterator[dict[str, str]]:
        ordered = calls.ordered
        order = {
            "folder": str(folder),
            "fault": None if ordered is None else ordered.fault.value,
            "call": None if ordered is None else ordered.call,
            "spared": [] if ordered is None else list(ordered.spared),
        }
        yield {DISK_VARIABLE: json.dumps(order)}
        for name in (folder / "calls.txt").read_text().splitlines():
            calls.take(name)
