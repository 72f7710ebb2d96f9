"""What a launcher does with files: whatever becomes of it, nothing is lost without a word."""

from pathlib import Path

import pytest

from tests.integration.seams.disk_scene import DiskScene
from tests.integration.seams.faults import Fault
from tests.integration.seams.small_project import MLPROJECT, TASKS
from tests.integration.seams.walk import assert_nothing_is_lost, order_turns
from tests.support import ProjectFolder


@pytest.mark.parametrize("place", ["process", "attached"])
def test_nothing_is_lost_where_the_disk_refuses(
    project: ProjectFolder, tmp_path: Path, empty_store: Path, place: str
) -> None:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    scene = DiskScene(place, project.path, tmp_path, empty_store)
    every = slice(None, None, 4 if place == "process" else 12)  # the others are like them
    assert_nothing_is_lost(f"tg-{place}: the disk", scene, lambda calls: order_turns(calls[every], [Fault.EVER]))
