"""Two processes never record one run, and a crash is seen by those that come later."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memory_server import MemoryClient
from tg.common.system.process_mark import mark_process
from tg_mlflow.errors import RunTakenError
from tg_mlflow.tracking.conducted_run import conducting_run
from tg_mlflow.tracking.launcher_file import Crash, find_crashes, forget_crash, holding_launcher_file

URI = "https://me:word@server"
DEAD = f"{mark_process().partition(' ')[0]} {os.getpid()} 0"


@pytest.fixture
def folder(jobs: Path) -> Iterator[Path]:
    """Where the files are; nothing of it stays."""
    path = jobs.with_name("jobs-launchers")
    yield path
    assert not path.exists()


def leave(run_id: str, process: dict[str, object], tracking_uri: str, is_in_process: bool) -> None:
    """Leaves the file of a launcher as a crash does."""
    with holding_launcher_file(run_id, tracking_uri, is_in_process):
        path = Path(os.environ["TG_JOBS_PATH"] + "-launchers", run_id)
        content = json.loads(path.read_bytes())
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**content, **process}))


def test_the_file_names_the_process_and_no_secret(folder: Path) -> None:
    with holding_launcher_file("f0", URI, is_in_process=True):
        content = json.loads((folder / "f0").read_bytes())
        assert find_crashes(URI) == []
    assert content == {
        "pid": os.getpid(),
        "mark": mark_process(),
        "tracking_uri": "https://me:***@server",
        "is_in_process": True,
    }


def test_a_run_that_another_process_holds_is_not_taken(folder: Path) -> None:
    with holding_launcher_file("f0", URI, is_in_process=False):
        held = (folder / "f0").read_bytes()
        client = MemoryClient()
        message = rf"'f0' is recorded by process {os.getpid()} now; wait for it, or stop it with `tg-mlflow cancel f0`"
        with pytest.raises(RunTakenError, match=message), conducting_run(client, "f0"):
            raise AssertionError
        with holding_launcher_file("f1", URI, is_in_process=False):
            assert sorted(path.name for path in folder.iterdir()) == ["f0", "f1"]
        assert (folder / "f0").read_bytes() == held
        assert client.requests == []  # the run does not end


def test_a_lock_that_a_dead_launchers_workers_hold_is_none(folder: Path) -> None:
    with holding_launcher_file("f0", URI, is_in_process=False):
        (folder / "f0").write_text(json.dumps({"pid": os.getpid(), "mark": DEAD}))
        with holding_launcher_file("f0", URI, is_in_process=False):
            assert (folder / "f0").exists()


def test_crashes_are_found_and_forgotten(folder: Path) -> None:
    dead = {"pid": 7, "mark": DEAD}
    leave("f0", dead, URI, True)
    leave("f1", dead, "sqlite:///another.db", True)
    leave("f2", dead, URI, False)
    leave("f3", {"mark": mark_process()}, URI, True)
    leave("f4", {"mark": "another 7 0"}, URI, True)  # of a machine that has the same home folder
    (folder / "damaged").write_text("{")
    assert find_crashes(URI) == [Crash("f0", 7, True), Crash("f2", 7, False)]
    for name in ("f0", "f1", "f2", "f3", "f4", "damaged", "never"):
        forget_crash(name)


def test_where_no_file_can_be_kept_the_run_is_recorded_without(jobs: Path) -> None:
    jobs.with_name("jobs-launchers").write_text("in the way")
    with holding_launcher_file("f0", URI, is_in_process=True):
        assert find_crashes(URI) == []
