"""Where jobs are kept, and what is said where they cannot be."""

import errno
import os
from pathlib import Path

import pytest

from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
from tg.common.delivery.sagemaker.job_files.job_storage import jobs_path, keeping_jobs, reading_jobs
from tg.common.errors import StorageError


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, "/home/me/.local/state/tg-mlflow/jobs"),
        ("", "/home/me/.local/state/tg-mlflow/jobs"),
        ("state", "/home/me/.local/state/tg-mlflow/jobs"),
        ("./state", "/home/me/.local/state/tg-mlflow/jobs"),
        ("~/state", "/home/me/.local/state/tg-mlflow/jobs"),
        ("/var/state", "/var/state/tg-mlflow/jobs"),
    ],
)
def test_a_state_folder_that_is_not_absolute_is_ignored(
    monkeypatch: pytest.MonkeyPatch, state: str | None, expected: str
) -> None:
    monkeypatch.delenv("TG_JOBS_PATH", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    if state is not None:
        monkeypatch.setenv("XDG_STATE_HOME", state)
    assert str(jobs_path()) == expected


def test_without_a_home_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TG_JOBS_PATH", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)

    def fail() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", fail)
    with pytest.raises(StorageError) as caught:
        jobs_path()
    assert str(caught.value) == "jobs cannot be kept: there is no home folder; set TG_JOBS_PATH to a folder"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full; free space there, or set TG_JOBS_PATH to another folder"),
        (errno.EDQUOT, "the disk quota is used up; free space there, or set TG_JOBS_PATH to another folder"),
        (errno.EROFS, "it is read-only; set TG_JOBS_PATH to a folder that you can write to"),
        (errno.EACCES, "permission is denied; set TG_JOBS_PATH to a folder that you can write to"),
        (errno.EIO, "Input/output error; set TG_JOBS_PATH to a folder that you can write to"),
    ],
)
@pytest.mark.parametrize("name", [None, "job/train.log", ".."])
def test_what_keeps_jobs_from_their_folder_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str, name: str | None
) -> None:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    path = None if name is None else os.path.normpath(jobs_path() / name)
    with pytest.raises(StorageError) as caught, keeping_jobs():
        raise OSError(number, os.strerror(number), path)
    assert str(caught.value) == f"jobs cannot be kept in {str(tmp_path / 'jobs')!r}: {said}"


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE])
def test_what_the_disk_does_not_give_is_named(number: int) -> None:
    with pytest.raises(StorageError) as caught, reading_jobs():
        raise OSError(number, os.strerror(number), "/jobs/a/exit.json")
    assert str(caught.value) == (
        f"'/jobs/a/exit.json', which is kept of a job, cannot be read: {os.strerror(number)}; when it can be, try again"
    )


def test_a_file_of_a_job_that_is_not_there_is_no_error_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), reading_jobs():
        raise FileNotFoundError(errno.ENOENT, "no such file", "/jobs/a/exit.json")
    assert JobFolder(tmp_path).read_json("exit.json") is None


def test_an_error_of_another_folder_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    with pytest.raises(OSError, match=r"data\.csv"), keeping_jobs():
        raise OSError(errno.EACCES, "Permission denied", "/elsewhere/data.csv")


def test_a_file_in_the_way_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "jobs"):
        monkeypatch.setenv("TG_JOBS_PATH", str(path))
        with pytest.raises(StorageError) as caught:
            JobFolder.create("job")
        assert str(caught.value) == (
            f"jobs cannot be kept in {str(path)!r}: a part of the path is a file; "
            "set TG_JOBS_PATH to a folder that you can write to"
        )
