"""What a launcher does with files: whatever becomes of it, nothing is lost without a word."""

from pathlib import Path

from tests.integration.seams.disk_scene import DiskScene
from tests.integration.seams.faults import Fault
from tests.integration.seams.later import DETACHED, WAITING_TASKS, AttachScene, CancelScene
from tests.integration.seams.small_project import MLPROJECT, TASKS
from tests.integration.seams.walk import assert_nothing_is_lost, order_turns
from tests.support import ProjectFolder


def test_nothing_is_lost_where_the_disk_refuses(project: ProjectFolder, tmp_path: Path, empty_store: Path) -> None:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    scene = DiskScene("process", project.path, tmp_path, empty_store)
    # Each eighth file stands for those beside it.
    assert_nothing_is_lost("tg-process: the disk", scene, lambda calls: order_turns(calls[::8], [Fault.EVER]))


class AttachAtDisk(AttachScene, DiskScene):
    """Attaches where the disk refuses."""


class CancelAtDisk(CancelScene, DiskScene):
    """Cancels where the disk refuses."""


def test_nothing_is_lost_by_attach(project: ProjectFolder, tmp_path: Path, empty_store: Path) -> None:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", DETACHED)
    scene = AttachAtDisk("process", project.path, tmp_path, empty_store)
    assert_nothing_is_lost("tg-mlflow attach: the disk", scene, lambda calls: order_turns(calls[:1], [Fault.EVER]))


def test_nothing_is_lost_by_cancel(project: ProjectFolder, tmp_path: Path, empty_store: Path) -> None:
    project.write("tasks.py", WAITING_TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", DETACHED)
    scene = CancelAtDisk("process", project.path, tmp_path, empty_store)
    assert_nothing_is_lost(
        "tg-mlflow cancel: the disk",
        scene,
        lambda calls: order_turns(calls[:1], [Fault.EVER]),
        word="KILLED, whole",
    )
