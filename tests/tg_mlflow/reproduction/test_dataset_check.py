"""Datasets of runs that were trained where the data are in S3."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from mlflow.entities import Dataset

from tg.common.delivery.sagemaker import Executor, SagemakerOptions
from tg.common.delivery.sagemaker.executor import Traits
from tg.common.delivery.sagemaker.executor.stored_dataset import StoredDataset
from tg.common.errors import DatasetError
from tg_mlflow.reproduction import dataset_check
from tg_mlflow.reproduction.dataset_check import check_dataset
from tg_mlflow.reproduction.recorded_training import RecordedTraining
from tg_mlflow.results.dataset_file import digest_files

ADDRESS = "s3://pail/points.bin"


class Place:
    """A place that reads data elsewhere."""

    traits = Traits(needs_local_dataset=False)

    def __init__(self) -> None:
        self.uploaded = list[bool]()

    def upload_dataset(self, options: SagemakerOptions, replaces: bool = True) -> None:
        self.uploaded.append(replaces)


def check(
    folder: Path, known: Dataset | None, place: Place, allows_changed: bool = False, **channels: str | Path
) -> None:
    class Recorded:
        dataset = known
        channels: Mapping[str, Dataset] = {}

        class run:
            class info:
                run_id = "old"

    options = SagemakerOptions(None, None, "points", folder, "points.bin", channels)
    check_dataset(cast(RecordedTraining, Recorded()), options, cast(Executor, place), allows_changed)


def in_s3(digest: str, profile: str | None = None) -> Dataset:
    return Dataset("points.bin", digest, "s3", f'{{"uri": "{ADDRESS}"}}', None, profile)


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    found = StoredDataset(ADDRESS, "etags", 3)
    monkeypatch.setattr(dataset_check, "_find_stored", lambda recorded: found)


@pytest.mark.usefixtures("stored")
def test_what_is_only_in_s3_is_recognized_by_its_metadata(tmp_path: Path) -> None:
    place = Place()
    check(tmp_path, in_s3("etags"), place)
    with pytest.raises(DatasetError, match=r"'s3://pail/points.bin' has changed: its digest is etags, and the run was"):
        check(tmp_path, in_s3("others"), place)
    check(tmp_path, in_s3("others"), place, allows_changed=True)
    assert place.uploaded == []


def test_what_is_here_is_checked_and_brought_there_without_replacing_another(tmp_path: Path) -> None:
    (tmp_path / "points").mkdir()
    file = tmp_path / "points" / "points.bin"
    file.write_bytes(b"123")
    place = Place()
    check(tmp_path, in_s3(digest_files(file), profile='{"num_rows": 3}'), place)
    assert place.uploaded == [False]


def test_what_cannot_be_checked_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "points").mkdir()
    (tmp_path / "points" / "points.bin").write_bytes(b"123")
    check(tmp_path, None, Place())
    check(tmp_path, in_s3("etags"), Place(), words=tmp_path, notes="s3://pail/notes")
    said: list[Any] = [each.getMessage() for each in caplog.records]
    assert said == [
        "Whether the dataset is that of run old cannot be checked: it had ended before that was recorded",
        "Whether the content of channel words is that of run old cannot be checked: the run has not recorded it",
        "Whether the content of channel notes is that of run old cannot be checked: it is in S3",
        "Whether the dataset is that of run old cannot be checked: it was read in S3, whose metadata say nothing of "
        "files on this machine",
    ]
