"""What a job that has not completed has left is in its run, too."""

from pathlib import Path
from typing import cast

import pytest
from mlflow import MlflowClient

from tests.job_output import open_recorder
from tg.common import JobFailedError
from tg.common.delivery.sagemaker import JobRequest, SagemakerConfig
from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder
from tg_mlflow.results.artifacts import log_remains
from tg_mlflow.results.job_remains import JobRemains
from tg_mlflow.testing.memory_executor import Line, Machine, MemoryExecutor, Script
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.training.job import Job
from tg_mlflow.training.job_watch import watch_job


@pytest.fixture
def client(store: MlflowClient) -> TrackingClient:
    return TrackingClient(store.tracking_uri)


@pytest.fixture
def run_id(store: MlflowClient) -> str:
    return str(store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id)


def fill(folder: Path, run_id: str) -> MlFolder:
    files = {
        f"model/tg_mlflow/runs/{run_id}/sub/big.bin": "big",
        "model/tg_output/logged/files/plots/a.svg": "<svg/>",
        "model/tg_output/logged/tables/scores.json": '{"columns":["a"],"data":[[1]]}',
        "model/tg_output/logged/.b.svg.unfinished": "<sv",
        "model/x": "",
        "output/data/deep/report.txt": "fine",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return MlFolder(folder)


def read(store: MlflowClient, run_id: str, name: str) -> str:
    return Path(store.download_artifacts(run_id, name)).read_text()


def test_it_is_listed_as_in_an_archive(tmp_path: Path) -> None:
    remains = JobRemains(fill(tmp_path, "r"))
    assert remains.list() == [
        "tg_mlflow/runs/r/sub/big.bin",
        "tg_output/data/deep/report.txt",
        "tg_output/logged/.b.svg.unfinished",
        "tg_output/logged/files/plots/a.svg",
        "tg_output/logged/tables/scores.json",
    ]
    assert remains.get_path("tg_mlflow/runs/r") == tmp_path / "model" / "tg_mlflow" / "runs" / "r"
    assert remains.get_path("tg_output/data") == tmp_path / "output" / "data"
    assert remains.get_path("tg_output/data/deep") == tmp_path / "output" / "data" / "deep"


def test_artifacts_and_output_are_in_the_run(
    store: MlflowClient, client: TrackingClient, run_id: str, tmp_path: Path
) -> None:
    assert log_remains(client, run_id, JobRemains(fill(tmp_path / "ml", run_id)))
    assert read(store, run_id, "sub/big.bin") == "big"
    assert read(store, run_id, "output/deep/report.txt") == "fine"
    assert read(store, run_id, "plots/a.svg") == "<svg/>"
    run = store.get_run(run_id)
    assert store.load_table(run.info.experiment_id, "scores.json", [run_id])["a"].tolist() == [1]
    assert {each.path for each in store.list_artifacts(run_id)} == {"output", "plots", "scores.json", "sub"}


def test_a_job_that_was_killed_has_not_laid_out_all(tmp_path: Path) -> None:
    assert JobRemains(fill(tmp_path / "laid out", "r")).is_whole
    assert not JobRemains(MlFolder(tmp_path / "killed")).is_whole


class Here(MemoryExecutor):
    """Has the folders of its jobs on this machine."""

    folder: MlFolder | None = None

    def find_remains(self, job_id: str) -> MlFolder | None:
        return self.folder


@pytest.mark.parametrize("is_here", [True, False])
def test_a_job_that_fails_is_recorded_with_what_it_has_left(
    store: MlflowClient, client: TrackingClient, run_id: str, tmp_path: Path, is_here: bool
) -> None:
    announced = '###JOB###{"op":"file","path":"plots/a.svg"}###'
    executor = Here(Machine(lambda request: Script([Line(0, announced)], failure="it is out of memory")))
    executor.folder = fill(tmp_path / "ml", run_id) if is_here else None
    executor.submit(JobRequest("job", cast(SagemakerConfig, None)))
    job = Job(run_id, executor, "job")
    with pytest.raises(JobFailedError), open_recorder(client, run_id) as recorder:
        watch_job(client, job, recorder, show=lambda event: None)
    found = {each.path for each in store.list_artifacts(run_id)}
    assert found == ({"output", "plots", "scores.json", "sub"} if is_here else set())
    assert store.get_run(run_id).data.tags.get("tg.missing") == (None if is_here else "plots/a.svg")
