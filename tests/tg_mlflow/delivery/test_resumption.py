"""A training that is to go on from another run finds the checkpoints, or says why it cannot."""

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tg.common.delivery.sagemaker import Executor
from tg.common.delivery.sagemaker.executor import JobRequest
from tg.common.delivery.sagemaker.machine.attached_executor import AttachedExecutor
from tg.common.ml.training_core.checkpoint_folder import CheckpointFolder
from tg_mlflow.delivery.resumption import opening_resumption
from tg_mlflow.errors import BackendConfigError, RunNotOursError
from tg_mlflow.testing.memory_executor import Machine, MemoryExecutor, Script
from tg_mlflow.tracking.client import TrackingClient


def make_run(store: MlflowClient, status: str = "FAILED", **tags: str) -> str:
    own = {"tg.place": "tg-process", "tg.job_id": "walk", "tg.state": "{}"}
    run_id: str = store.create_run(
        "0", tags={**own, **{f"tg.{name}": value for name, value in tags.items()}}
    ).info.run_id
    if status != "RUNNING":
        store.set_terminated(run_id, status)
    return run_id


def never(request: JobRequest) -> Script:
    raise AssertionError("no job is started")


def open_it(store: MlflowClient, resumed: str, executor: Executor | None = None) -> list[str]:
    """Returns the names of the files that a new run's job would begin with."""
    new = store.create_run("0").info.run_id
    client = TrackingClient(store.tracking_uri, patience_seconds=0)
    with opening_resumption(client, new, resumed, executor or AttachedExecutor()) as found:
        assert found is not None
        assert store.get_run(new).data.tags["tg.resumed_from"] == resumed
        return sorted(path.name for path in found._folder.iterdir())


@pytest.mark.parametrize("folder", ["jobs/walk/ml/checkpoints", "jobs-checkpoints/walk"])
def test_they_are_where_the_job_was_or_where_they_are_kept(
    store: MlflowClient, jobs: Path, tmp_path: Path, folder: str
) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "state").write_text("1")
    assert open_it(store, make_run(store)) == ["state"]


def test_a_folder_of_the_users_is_known_by_a_tag(store: MlflowClient, jobs: Path, tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "mine").write_text("1")
    assert open_it(store, make_run(store, checkpoints=str(tmp_path / "given"))) == ["mine"]


def test_checkpoints_of_another_run_are_refused(store: MlflowClient, jobs: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    first = make_run(store, checkpoints=str(given))
    second = make_run(store, checkpoints=str(given), resumed_from=first)
    folder = CheckpointFolder(given / "tg-mlflow")
    folder.save([], 1, {"run": first})
    assert open_it(store, first) == open_it(store, second) == ["tg-mlflow"]  # the second one has saved none
    folder.save([], 2, {"run": second})
    assert open_it(store, second) == ["tg-mlflow"]
    with pytest.raises(RunNotOursError) as error:
        open_it(store, first)
    assert str(error.value) == (
        f"the last checkpoint in '{given}' is one of run '{second}', which has used it since, and none of run "
        f"'{first}'; go on from that one: `tg-mlflow resume {second}`"
    )


def test_it_says_why_it_cannot_go_on(store: MlflowClient, jobs: Path, tmp_path: Path) -> None:
    bare = make_run(store)
    completed = make_run(store, "FINISHED")
    running = make_run(store, "RUNNING")
    launcher = json.dumps({"host": "far"})
    gone = make_run(store, checkpoints=str(tmp_path / "gone"), launcher=launcher)
    for run_id, reason in (
        (bare, f"run '{bare}' has left no checkpoints here: its training has saved none, or they were pruned, or "),
        (completed, f"run '{completed}' has left no checkpoints here: it has completed, and then they are kept only "),
        (running, f"run '{running}' is RUNNING; wait until it has ended, stop it with `tg-mlflow cancel {running}`, "),
        (gone, f"the checkpoints of run '{gone}' cannot be fetched from '{tmp_path / 'gone'}' ("),
        ("0" * 32, f"run '{'0' * 32}' cannot be read: "),
    ):
        with pytest.raises(RunNotOursError) as error:
            open_it(store, run_id)
        assert str(error.value).startswith(reason)
    with pytest.raises(BackendConfigError) as refused:
        open_it(store, bare, MemoryExecutor(Machine(never)))
    assert str(refused.value) == (
        f"resume_from is '{bare}', and jobs of this place cannot begin with checkpoints of others; resume at "
        "another one"
    )
