"""A job's folder is there, or nothing is that looks like a job."""

from pathlib import Path
from typing import Any

import pytest

from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
from tg.common.errors import StorageError


def test_a_folder_that_was_made_without_an_answer_is_no_job(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = Path.mkdir

    def lose_the_answer(path: Path, *arguments: Any, **named: Any) -> None:
        make(path, *arguments, **named)
        if path.name == "job-1":
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "mkdir", lose_the_answer)
    with pytest.raises(StorageError, match=r"^jobs cannot be kept in .*: Input/output error; set TG_JOBS_PATH"):
        JobFolder.create("job-1")
    assert list(jobs.iterdir()) == []
    assert JobFolder.create("job-2").path.is_dir()
