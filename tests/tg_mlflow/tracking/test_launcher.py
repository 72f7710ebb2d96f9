"""Which process records a run."""

import json
import os

import pytest
from mlflow.exceptions import MlflowException

from tests.memory_server import FakeClock, MemoryClient
from tg_mlflow.errors import RecordingError, RunNotOursError
from tg_mlflow.tracking.launcher import Launcher, is_this_host, launching, read_settled_run


def test_a_run_names_its_launcher_while_it_is_recorded() -> None:
    client = MemoryClient()
    run_id = client.create_run("7").info.run_id
    with launching(client, run_id):
        told = json.loads(client.get_run(run_id).data.tags["tg.launcher"])
        assert (told["pid"], told["marker"]) == (os.getpid(), f"tg-mlflow-{run_id}")
        assert read_settled_run(client, run_id)[1] is None  # it is this one
    tags = client.get_run(run_id).data.tags
    assert set(json.loads(tags["tg.launcher"])) == {"host", "pids", "jobs"}
    assert is_this_host(tags)


def test_a_launcher_that_cannot_be_told_begins_nothing() -> None:
    clock = FakeClock()
    client = MemoryClient(patience_seconds=1, clock=clock)
    run_id = client.create_run("7").info.run_id
    client.faults["set_tag"] = [MlflowException("it is away")] * 9
    with pytest.raises(RecordingError, match=rf"it is away.*`tg-mlflow cancel {run_id}`"), launching(client, run_id):
        raise AssertionError
    assert clock.pauses == [0.5, 0.5]


def test_a_run_is_read_again_when_its_launcher_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(process: object) -> bool:
        """Sees a launcher that ends its run and itself when it is looked at a second time."""
        if looks:
            client.set_terminated(run_id, "FINISHED")
        looks.append(process)
        return len(looks) == 1

    client, looks = MemoryClient(), list[object]()
    run_id = client.create_run("7").info.run_id
    with launching(client, run_id):
        place = json.loads(client.get_run(run_id).data.tags["tg.launcher"])
    process = {"pid": 4711, "started": 12}
    client.set_tag(run_id, "tg.launcher", json.dumps({**place, **process, "signal": 2, "marker": None}))
    monkeypatch.setattr("tg_mlflow.tracking.launcher.is_alive", look)
    run, launcher = read_settled_run(client, run_id)
    assert (run.info.status, launcher) == ("RUNNING", Launcher(4711, 2))
    run, launcher = read_settled_run(client, run_id)
    assert (run.info.status, launcher) == ("FINISHED", None)
    assert looks == [process, process]


def test_a_run_that_is_not_there() -> None:
    with pytest.raises(RunNotOursError, match=r"run 'f0' cannot be read: .*check the id and the tracking URI"):
        read_settled_run(MemoryClient(), "f0")
