"""A job that its launcher has left is found where it was started, also if the sweep is resumed with other options."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from tests.memory_server import MemoryClient
from tg.common.delivery.sagemaker import SagemakerConfig
from tg.common.delivery.sagemaker.executor import Executor, JobRequest, JobStatus, Traits
from tg.common.secrets import SecretMask
from tg_mlflow.places.config import JobConfig
from tg_mlflow.places.place import Place
from tg_mlflow.sweeps.trainer import SweepTrainer
from tg_mlflow.takeover import left_job, run_job
from tg_mlflow.takeover.left_job import find_left_job
from tg_mlflow.testing.memory_executor import Machine, MemoryExecutor, MemoryOptions, Script
from tg_mlflow.tracking.state import RunState, format_state


@dataclass(frozen=True)
class HostOptions(MemoryOptions):
    host: str = ""


class HostConfig(JobConfig):
    place = "tg-host"


class HostPlace(Place):
    config_model = HostConfig
    options_model = HostOptions

    def __init__(self) -> None:
        self.machines = {host: Machine(lambda request: Script(seconds=math.inf)) for host in ("old", "new")}

    def build_options(self, config: HostConfig, folder: Path) -> HostOptions:
        return HostOptions()

    def open(self, options: HostOptions, is_shared: bool = False) -> Executor:
        traits = Traits(is_found_anywhere=True, starts_at_once=True)
        return MemoryExecutor(self.machines[options.host.rpartition("@")[2]], options, traits)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HostPlace:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path))
    place = HostPlace()
    monkeypatch.setattr(run_job, "list_places", lambda: {"tg-host": place})
    return place


def start(executor: Executor) -> None:
    executor.submit(JobRequest("job", cast(SagemakerConfig, None)))


def create_run(client: MemoryClient, place: HostPlace, host: str) -> str:
    state = RunState(place_options=place.write_options(HostOptions(host=host)))
    tags = {"tg.place": "tg-host", "tg.job_id": "job", **format_state(state, client.mask)}
    return str(client.create_run("0", tags=tags).info.run_id)


def test_a_job_is_found_where_it_was_started(place: HostPlace) -> None:
    client = MemoryClient()
    run_id = create_run(client, place, "old")
    old, new = place.open(HostOptions(host="old")), place.open(HostOptions(host="new"))
    start(old)

    found = find_left_job(client, client.get_run(run_id), False, new)
    assert found is not None
    assert found.executor.options == HostOptions(host="old")
    assert client.get_run(run_id).info.status == "RUNNING"

    old.kill("job")
    old.discard("job")
    assert find_left_job(client, client.get_run(run_id), False, new) is None
    assert client.get_run(run_id).info.status == "KILLED"


def test_a_password_that_the_tags_do_not_have_is_no_other_option(place: HostPlace) -> None:
    client = MemoryClient(mask=SecretMask(["swordfish"]))
    run_id = create_run(client, place, "swordfish@new")
    executor = place.open(HostOptions(host="swordfish@new"))
    place.machines.pop("old")
    assert client.get_run(run_id).data.tags["tg.state"] == '{"place_options":{"host":"***@new"}}'
    assert find_left_job(client, client.get_run(run_id), False, executor) is None
    assert not left_job._has_other_options(client, client.get_run(run_id), executor)


def test_a_sweep_stops_a_job_where_it_was_started(place: HostPlace) -> None:
    client = MemoryClient()
    old, new = place.open(HostOptions(host="old")), place.open(HostOptions(host="new"))
    start(old)
    trainer = SweepTrainer(client, new, client.create_run("0"))
    with trainer._following(old, "job"):
        trainer.stop()
    assert old.status("job").status is JobStatus.STOPPED
