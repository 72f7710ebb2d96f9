"""What a job leaves that has failed can be brought back."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tg.common.delivery.sagemaker import SagemakerJob
from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder
from tg.common.ml.training_core import AbstractTrainingTask


class Failing(AbstractTrainingTask):
    """Makes files and links in the folders of its job, and fails."""

    def __init__(self, folder: MlFolder, removes: bool = False) -> None:
        super().__init__()
        self._folder, self._removes = folder, removes

    def run_with_environment(self, data: Any, environment: Any) -> None:
        for each in (self._folder.model, self._folder.output_data):
            (each / "report.txt").write_text("fine")
            (each / "own").symlink_to(each / "report.txt")
            (each / "outside").symlink_to("/etc/hostname")
            os.mkfifo(each / "pipe")
        if self._removes:
            shutil.rmtree(self._folder.root)
        raise ValueError("no luck")


def test_what_no_archive_can_keep_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = MlFolder(tmp_path / "ml")
    with pytest.raises(ValueError, match="no luck"):
        SagemakerJob(Failing(folder)).run(folder, {}, b"")
    assert sorted(os.listdir(folder.output_data)) == ["own", "report.txt"]
    assert os.readlink(folder.output_data / "own") == "report.txt"
    assert {"own", "report.txt"} <= set(os.listdir(folder.model))
    assert not {"outside", "pipe", "completed.json"} & set(os.listdir(folder.model))
    said = capsys.readouterr().out
    assert said.count("'pipe' is left out of the results: it is a FIFO") == 2
    assert said.count("'outside' is left out of the results: it is a link to '/etc/hostname', outside") == 2


def test_why_it_has_failed_is_not_hidden(tmp_path: Path) -> None:
    folder = MlFolder(tmp_path / "ml")
    with pytest.raises(ValueError, match="no luck"):
        SagemakerJob(Failing(folder, removes=True)).run(folder, {}, b"")
