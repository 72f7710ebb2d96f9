"""Where the checkpoints of jobs on this machine are, and which of them outlive their job."""

from pathlib import Path

import pytest

from tg.common import DeliveryError
from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
from tg.common.delivery.sagemaker.job_files.kept_checkpoints import (
    find_checkpoints,
    find_kept_address,
    open_checkpoints,
    remove_checkpoints,
    settle_checkpoints,
)
from tg.common.errors import StorageError


def discard(folder: JobFolder, has_completed: bool) -> None:
    settle_checkpoints(folder.job_id, has_completed)
    JobFolder.discard(folder.job_id)


@pytest.mark.parametrize(
    ("given", "has_completed", "stay"), [(False, True, False), (False, False, True), (True, True, True)]
)
def test_those_of_a_job_that_has_not_completed_stay_and_those_that_are_to_stay(
    jobs: Path, given: bool, has_completed: bool, stay: bool
) -> None:
    folder = JobFolder.create("walk")
    path = open_checkpoints(folder, given)
    assert (path, find_checkpoints("walk")) == (jobs / "walk" / "ml" / "checkpoints", None)
    (path / "state").write_text("12345")
    assert find_checkpoints("walk") == path
    kept = jobs.parent / "jobs-checkpoints" / "walk"
    assert find_kept_address("walk", has_completed) == (str(kept) if stay else None)
    discard(folder, has_completed)
    assert find_checkpoints("walk") == (kept if stay else None)
    assert not folder.path.exists()
    if stay:
        assert find_kept_address("walk", has_completed) == str(kept)
        assert (kept / "state").read_text() == "12345"
        remove_checkpoints("walk")
    assert find_checkpoints("walk") is None


def test_without_any_nothing_stays(jobs: Path) -> None:
    folder = JobFolder.create("walk")
    open_checkpoints(folder, given=True)
    discard(folder, has_completed=False)
    assert list(jobs.parent.glob("jobs-checkpoints/*")) == []


def test_a_folder_of_the_users_stays_and_is_what_the_next_job_begins_with(jobs: Path, tmp_path: Path) -> None:
    given = tmp_path / "my" / "checkpoints"
    folder = JobFolder.create("first")
    (open_checkpoints(folder, given) / "state").write_text("1")
    assert find_kept_address("first", has_completed=True) == str(given)
    discard(folder, has_completed=True)
    assert (given / "state").read_text() == "1"
    assert (open_checkpoints(JobFolder.create("second"), given) / "state").read_text() == "1"
    assert not (jobs.parent / "jobs-checkpoints").exists()


def test_a_job_begins_with_those_of_another_one(jobs: Path, tmp_path: Path) -> None:
    start = tmp_path / "start"
    (start / "tg-mlflow").mkdir(parents=True)
    (start / "tg-mlflow" / "000001.pkl").write_text("state")
    path = open_checkpoints(JobFolder.create("walk"), start=start)
    assert (path / "tg-mlflow" / "000001.pkl").read_text() == "state"
    given = tmp_path / "given"
    assert (open_checkpoints(JobFolder.create("new"), given, start) / "tg-mlflow" / "000001.pkl").is_file()
    with pytest.raises(DeliveryError) as error:  # those of two trainings would be mixed
        open_checkpoints(JobFolder.create("other"), given, start)
    assert str(error.value) == (
        f"'{given}' has files already, and the training is to go on from other checkpoints; name an empty folder in "
        "checkpoints, or give true"
    )


def test_a_folder_that_cannot_be_made_is_told(jobs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as error:
        open_checkpoints(JobFolder.create("walk"), tmp_path / "file" / "below")
    assert str(error.value).startswith(
        f"checkpoints cannot be kept in '{tmp_path / 'file' / 'below'}': Not a directory"
    )
